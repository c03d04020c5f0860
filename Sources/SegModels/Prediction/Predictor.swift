import SegEngine

/// Segments images: preprocessing, network, postprocessing, and resizing to the image's size.
public struct Predictor: Sendable {
  /// The resolution of the labels.
  public enum Resolution: String, Hashable, Sendable, CaseIterable {
    /// The size of the image.
    case image
    /// The size of the network's input, including padding.
    case network
  }

  /// The result for one image.
  public struct Prediction: Sendable {
    /// The class of each pixel.
    public let labels: LabelMap
    /// The network's first output, `[1, height, width, classes]` at the network's input, if it was requested.
    public let logits: Tensor?
    /// The position of the image within the network's input.
    public let placement: Placement
  }

  /// The network with its weights.
  public let model: Model
  /// The preprocessing of images.
  public let preprocessing: Preprocessing
  /// The postprocessing of logits to labels.
  public let postprocessing: Postprocessing
  /// The conditional random field for ``refined(_:views:crf:)``: the one that the network was published with, or a
  /// default.
  public let refinement: DenseCRF
  /// The names and colours of the labels for drawing, if the network or its settings state them.
  public var classList: ClassList?

  /// Graphs that read output maps, compiled once per size.
  let readings: MapReadings

  /// Creates a predictor from a network, preprocessing and postprocessing.
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

  /// Creates a predictor with the preprocessing, postprocessing and published conditional random field of a
  /// description.
  public init(_ model: Model, for description: ModelDescription) {
    self.init(
      model, preprocessing: description.preprocessing, postprocessing: description.postprocessing,
      refinement: description.refinement ?? .deepLab)
    classList = description.classList
  }

  /// Segments an image.
  ///
  /// Network and labelling run as one graph if the logits are not requested and the labels have the pixels of the
  /// network's input. If the network ends with upsampling, its labels are then computed without storing the upsampled
  /// map.
  ///
  /// - Parameters:
  ///   - image: The image. ``Preprocessing/fit`` must bring its size to one that the network supports.
  ///   - resolution: The resolution of the labels.
  ///   - keepingLogits: Whether to return the network's output as well.
  /// - Throws: `GraphError` if the network does not support an image of that size, ``PredictionError`` if its output
  ///   does not match ``postprocessing``.
  public func callAsFunction(
    _ image: Image, at resolution: Resolution = .image, keepingLogits: Bool = false
  ) throws -> Prediction {
    let (prepared, placement) = try preprocessing(image, on: model.backend.workers)
    return try prediction(of: prepared, placement, at: resolution, keepingLogits: keepingLogits)
  }

  /// Segments 8-bit pixels in a buffer, which are read where they lie, as ``callAsFunction(_:at:keepingLogits:)`` does
  /// an image with these pixels.
  ///
  /// - Parameters:
  ///   - pixels: The buffer, starting with the first pixel.
  ///   - layout: The size and order of the pixels.
  ///   - resolution: The resolution of the labels.
  ///   - keepingLogits: Whether to return the network's output as well.
  /// - Precondition: The buffer contains all rows.
  /// - Throws: `GraphError` if the network does not support an image of that size, ``PredictionError`` if its output
  ///   does not match ``postprocessing``.
  public func callAsFunction(
    _ pixels: RawSpan, layout: PixelLayout, at resolution: Resolution = .image, keepingLogits: Bool = false
  ) throws -> Prediction {
    let (prepared, placement) = try preprocessing(pixels, layout: layout, on: model.backend.workers)
    return try prediction(of: prepared, placement, at: resolution, keepingLogits: keepingLogits)
  }

  private func prediction(
    of prepared: Tensor, _ placement: Placement, at resolution: Resolution, keepingLogits: Bool
  ) throws -> Prediction {
    let workers = model.backend.workers
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

  /// A mask of the image's size, resized and padded like the image for the network. Each pixel takes the nearest mask
  /// pixel (the one that contains its centre); padding is `fill`.
  public func networkMask(_ mask: LabelMap, fill: UInt16 = 0) -> LabelMap {
    Placement(of: Extent2D(height: mask.height, width: mask.width), fit: preprocessing.fit).networkMask(
      mask, fill: fill)
  }
}
