import SegEngine

/// A network whose encoder is a backbone, stored under a name prefix: `backbone` in torchvision's networks, `encoder`
/// in those of segmentation-models-pytorch.
public protocol BackboneNetwork: SegmentationNetwork {
  /// The encoder.
  var backbone: any Backbone { get set }
  /// The prefix of the backbone's parameter names.
  var backboneScope: String { get }
  /// The name of the network without its backbone, such as `FPN`.
  var architecture: String { get }
}

extension BackboneNetwork {
  public var title: String { "\(architecture) \(backbone.title)" }

  public var inputChannels: Int {
    get { backbone.inputChannels }
    set { backbone.inputChannels = newValue }
  }

  public var features: [Feature] { backbone.features }

  public func encoder(_ image: Value) -> [Value] {
    image.graph.scope(backboneScope) { backbone.features(of: image) }
  }

  /// The index of a feature map, given its name.
  func index(of feature: String) -> Int {
    guard let index = features.firstIndex(where: { $0.name == feature }) else {
      preconditionFailure("\(backbone.title) has no feature map \(feature): \(features.map(\.name))")
    }
    return index
  }
}
