import SegEngine

/// A named network with its default preprocessing and postprocessing.
public struct ModelDescription: Sendable {
  /// The name on the command line.
  public let name: String
  /// A description in one line.
  public let summary: String
  /// The default height and width of the input.
  public let defaultSize: Extent2D
  /// The network.
  public let network: any SegmentationNetwork
  /// The preprocessing of images.
  public let preprocessing: Preprocessing
  /// The postprocessing of logits to labels.
  public let postprocessing: Postprocessing
  /// The conditional random field that the network was published with, for ``Predictor/refined(_:views:crf:)``; `nil`
  /// for none.
  public let refinement: DenseCRF?
  /// The names and colours of the labels of the weights that the network is published with; `nil` if they vary.
  public let classList: ClassList?

  /// Creates a description. The default preprocessing stretches images to the default size and normalises with
  /// ImageNet's mean and deviation. The default postprocessing takes the class with the largest logit.
  public init(
    _ name: String, _ summary: String, size: Extent2D, _ network: any SegmentationNetwork,
    preprocessing: Preprocessing? = nil, postprocessing: Postprocessing = .argmax, refinement: DenseCRF? = nil,
    classList: ClassList? = nil
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
    self.classList = classList
  }

  /// The number of classes. A network with one logit has two: background and foreground.
  public var classes: Int { network.classes == 1 ? 2 : network.classes }

  /// The same network with another number of classes, without ``classList`` if the number differs. With one logit the
  /// label is thresholded at 0.5; otherwise the largest logit wins.
  ///
  /// - Precondition: `classes` is positive.
  public func with(classes: Int) -> ModelDescription {
    precondition(classes > 0, "a network needs at least one class")
    var network = network
    network.classes = classes
    let isAsBefore = classes == self.network.classes
    return ModelDescription(
      name, summary, size: defaultSize, network, preprocessing: preprocessing,
      postprocessing: isAsBefore ? postprocessing : classes == 1 ? .threshold(0.5) : .argmax, refinement: refinement,
      classList: isAsBefore ? classList : nil)
  }

  /// Creates the graph for a height and width.
  ///
  /// - Throws: `GraphError` if the image is too small for the network.
  public func makeGraph(_ size: Extent2D) throws -> Graph { try network.graph(size: size) }
}
