import SegEngine

/// From an image to its segmentation: preprocessing, network, postprocessing, and back to the image's own size.
public struct Predictor: Sendable {
  /// At which size labels are given.
  public enum Resolution: String, Hashable, Sendable, CaseIterable {
    /// That of the image.
    case image
    /// That of the network's input, padding included.
    case network
  }

  /// What comes of one image.
  public struct Prediction: Sendable {
    /// The class of each pixel.
    public let labels: LabelMap
    /// The network's first output for its input, `[1, height, width, classes]`, where it was asked for.
    public let logits: Tensor?
    /// Where in the network's input the image lies.
    public let placement: Placement
  }

  /// The network with its weights.
  public let model: Model
  /// What is done to images first.
  public let preprocessing: Preprocessing
  /// What makes labels out of logits.
  public let postprocessing: Postprocessing
  /// The conditional random field that suits the network, for ``refined(_:views:crf:)``: that which it was published with, where it was.
  public let refinement: DenseCRF

  /// Graphs that read maps, compiled once for each size.
  let readings: MapReadings

  /// Joins a network with what comes before and after it.
  public init(
    _ model: Model, preprocessing: Preprocessing, postprocessing: Postprocessing, refinement: DenseCRF = .deepLab
  ) {
    self.init(
      model, preprocessing: preprocessing, postprocessing: postprocessing, refinement: refinement,
      readings: MapReadings())
  }

  init(
    _ model: Model, preprocessing: Preprocessing, postprocessing: Postprocessing, refinement: DenseCRF,
    readings: MapReadings
  ) {
    self.model = model
    self.preprocessing = preprocessing
    self.postprocessing = postprocessing
    self.refinement = refinement
    self.readings = readings
  }

  /// Joins a network with what its description says comes before and after it, its published conditional random field included.
  public init(_ model: Model, for description: ModelDescription) {
    self.init(
      model, preprocessing: description.preprocessing, postprocessing: description.postprocessing,
      refinement: description.refinement ?? .deepLab)
  }

  /// Segments an image.
  ///
  /// Where nobody asks for the logits and the labels have the pixels of the network's input, network and labelling are one graph: the
  /// labels of a network that ends in an enlarged map are computed without that map.
  ///
  /// - Parameters:
  ///   - image: The image, of any size that ``Preprocessing/fit`` brings to one that the network takes.
  ///   - resolution: At which size labels are given.
  ///   - keepingLogits: Whether the prediction has the network's output too.
  /// - Throws: `GraphError` where the network cannot take an image of that size, ``PredictionError`` where its output does not suit
  ///   ``postprocessing``.
  public func callAsFunction(
    _ image: Image, at resolution: Resolution = .image, keepingLogits: Bool = false
  ) throws -> Prediction {
    let workers = model.backend.workers
    let (prepared, placement) = try preprocessing(image, on: workers)
    let input = preprocessing.networkInput(prepared)
    let reading = MapReading(
      postprocessing: postprocessing, placement: placement, resolution: resolution, result: .labels)
    let isOneGraph = !keepingLogits && reading.keepsPixels
    let output = isOneGraph ? nil : try model(input)
    let labels = try LabelMap(
      size: resolution == .image ? placement.imageSize : placement.networkSize, on: workers
    ) { makeOutput in
      guard let output else { return try model.run(input, extendedBy: reading, makingOutput: makeOutput) }
      return try readings.run(reading, of: output, on: model.backend, makingOutput: makeOutput)
    }
    return Prediction(labels: labels, logits: keepingLogits ? output : nil, placement: placement)
  }

  /// The probabilities of a prediction at the size of the network's output, `[1, height, width, classes]`: the sigmoid of one logit,
  /// the softmax over the classes, or what the network gives as probabilities itself.
  ///
  /// - Precondition: the prediction has logits.
  /// - Throws: ``PredictionError`` where the output is no map.
  public func probabilities(of prediction: Prediction) throws -> Tensor {
    guard let logits = prediction.logits else {
      preconditionFailure("a prediction has probabilities where its logits were kept")
    }
    let map = logits.reshaped(to: try MapReading.featureMapShape(logits.shape))
    guard map.elementType == .float32 else { return map }
    let graph = try Graph("probabilities") { g in
      let logits = g.input("logits", map.shape)
      switch postprocessing {
      case .argmax: g.output("values", logits.softmax(axis: -1))
      case .threshold: g.output("values", logits.sigmoid())
      case .labels, .largestProbability, .independent, .probabilityThreshold, .saliencyThreshold:
        g.output("values", logits.map(.identity))
      }
    }
    return try graph.compiled(on: model.backend).run(["logits": map])["values"]!
  }

  /// A mask of the image's size as the network would see it: resized and padded like the image, each pixel that of the nearest
  /// (the pixel in which its centre falls), padding `fill`.
  public func networkMask(_ mask: LabelMap, fill: UInt16 = 0) -> LabelMap {
    let placement = Placement(of: Extent2D(mask.height, mask.width), fit: preprocessing.fit)
    let (size, content) = (placement.networkSize, placement.content)
    var result = LabelMap(width: size.width, height: size.height, repeating: fill)
    for row in 0..<content.height {
      let source = min(mask.height - 1, (2 * row + 1) * mask.height / (2 * content.height))
      for column in 0..<content.width {
        result[content.top + row, content.left + column] =
          mask[source, min(mask.width - 1, (2 * column + 1) * mask.width / (2 * content.width))]
      }
    }
    return result
  }
}
