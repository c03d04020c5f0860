import SegEngine

/// A point of a design space: a network with fixed hyperparameters, and the size that images are resized to.
public struct NetworkDesign: Sendable {
  /// The family, such as `fpn`.
  public let family: String
  /// The hyperparameters in a few words, such as `ResNet-18, pyramid 128`.
  public let choices: String
  /// The network.
  public let network: any SegmentationNetwork
  /// Height and width that images are resized to.
  public let size: Extent2D

  /// Creates a design.
  public init(family: String, choices: String, network: any SegmentationNetwork, size: Extent2D) {
    self.family = family
    self.choices = choices
    self.network = network
    self.size = size
  }

  /// The stride of the encoder's coarsest map.
  public var outputStride: Int { network.features.map(\.stride).max() ?? 1 }

  /// The network's graph.
  ///
  /// - Throws: `GraphError` if the size is too small for the network.
  public func makeGraph() throws -> Graph { try network.graph(size: size) }
}
