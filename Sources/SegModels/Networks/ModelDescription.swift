import SegEngine

/// A network that can be made by name.
public struct ModelDescription: Sendable {
  /// The name on the command line.
  public let name: String
  /// One line on what it is.
  public let summary: String
  /// Height and width it is built for unless told otherwise.
  public let defaultSize: Extent2D
  /// The network.
  public let network: any SegmentationNetwork
  /// What is done to images first.
  public let preprocessing: Preprocessing
  /// What makes labels out of its logits.
  public let postprocessing: Postprocessing
  /// The conditional random field that the network was published with, for ``Predictor/refined(_:views:crf:)``; `nil` for none.
  public let refinement: DenseCRF?

  /// Describes a network. Without a preprocessing images are stretched to the default size and normalised with the mean and deviation
  /// of ImageNet's; without a postprocessing the largest logit wins.
  public init(
    _ name: String, _ summary: String, size: Extent2D, _ network: any SegmentationNetwork,
    preprocessing: Preprocessing? = nil, postprocessing: Postprocessing = .argmax, refinement: DenseCRF? = nil
  ) {
    self.name = name
    self.summary = summary
    defaultSize = size
    self.network = network
    self.preprocessing =
      preprocessing
      ?? Preprocessing(
        fit: .stretch(size), mean: Preprocessing.imageNetMean, deviation: Preprocessing.imageNetDeviation)
    self.postprocessing = postprocessing
    self.refinement = refinement
  }

  /// The number of its classes; a network of one logit has two, background and foreground.
  public var classes: Int { network.classes == 1 ? 2 : network.classes }

  /// The same network for another number of classes: of one logit with a threshold of 0.5, else the largest wins.
  ///
  /// - Precondition: the number is positive.
  public func with(classes: Int) -> ModelDescription {
    precondition(classes > 0, "there is a class at least")
    var network = network
    network.classes = classes
    let isAsBefore = classes == self.network.classes
    return ModelDescription(
      name, summary, size: defaultSize, network, preprocessing: preprocessing,
      postprocessing: isAsBefore ? postprocessing : classes == 1 ? .threshold(0.5) : .argmax, refinement: refinement)
  }

  /// Makes the graph for a height and width.
  ///
  /// - Throws: `GraphError` where the image is too small for the network.
  public func makeGraph(_ size: Extent2D) throws -> Graph { try network.graph(size: size) }
}

/// Networks that belong together. A family lists its members in the file of its architecture.
public struct ModelFamily: Sendable {
  /// The family's name.
  public let name: String
  /// Its members, in the order in which they are listed.
  public let models: [ModelDescription]

  /// Makes a family.
  public init(_ name: String, _ models: [ModelDescription]) {
    self.name = name
    self.models = models
  }
}
