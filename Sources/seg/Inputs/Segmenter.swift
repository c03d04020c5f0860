import SegEngine
import SegIO
import SegModels

/// A network that segments images, with checks of the available memory.
struct Segmenter: Sendable {
  let name: String
  let predictor: Predictor
  /// The number of labels, which are from 0 to below it; 2 for a network with one output channel.
  let classes: Int
  let outputChannels: Int
  /// The assumptions about the network, one per line.
  let assumptions: [String]
  /// Makes the network's graph for images `[1, height, width, channels]` of a size, to examine it without running it.
  let graph: @Sendable (Extent2D) throws -> Graph

  /// Reads and compiles the network with the options of the command line.
  init(
    _ source: NetworkSource, weights: WeightsFile?, images: ImageOptions, _ compute: ComputeOptions,
    on other: OpenBLASBackend? = nil
  ) throws {
    let backend = other ?? compute.backend
    if case .named(let description, _) = source, images.settings != nil {
      throw NetworkError.settings(name: description.name)
    }
    let stored: PredictionSettings
    do throws(SettingsError) {
      stored = try source.storedSettings(at: images.settings)
    } catch {
      throw Failure(.badInput, "\(error)")
    }
    do {
      let loaded = try source.segmenter(
        weights: weights, settings: images.asSettings.completed(by: stored), on: backend,
        options: compute.options(for: backend))
      weights?.report(leftOut: loaded.leftOut)
      name = loaded.name
      predictor = loaded.predictor
      classes = loaded.classes
      outputChannels = loaded.outputChannels
      assumptions = loaded.assumptions.map { "\(loaded.name): \($0.withOption)" }
      graph = loaded.graph
    } catch let error as SettingsError {
      throw Failure(.usage, "\(source.path ?? source.name): \(error)")
    }
  }

  /// Prints the assumptions to the standard error stream.
  func sayAssumptions() { for assumption in assumptions { printError("seg: \(assumption)") } }

  /// Whether labels are only foreground and background.
  var isBinary: Bool { predictor.postprocessing.threshold != nil }

  /// Segments the image of a file.
  func prediction(
    for image: Image, of path: String, at resolution: Predictor.Resolution = .image, keepingLogits: Bool = false
  ) throws -> Predictor.Prediction {
    // Counts the logits at the image's size, their postprocessing, the labels, and the image itself.
    try requireMemory(
      image.width * image.height * (8 * outputChannels + 16),
      for: "\(path): an image of \(image.width)×\(image.height) pixels")
    return try Failure.about(path) { try predictor(image, at: resolution, keepingLogits: keepingLogits) }
  }

  /// Segments the image of a file from several views, and refines the result with a conditional random field if one is given. It returns
  /// the labels and the probabilities or marginals, `[height, width, classes]`.
  func refined(
    _ image: Image, of path: String, views: TestTimeAugmentation, crf: DenseCRF?
  ) throws -> (labels: LabelMap, probabilities: Tensor) {
    let pixels = image.width * image.height
    try requireMemory(
      pixels * (12 * max(2, outputChannels) + 16) + (crf?.byteCount(for: image, classes: max(2, outputChannels)) ?? 0),
      for: "\(path): an image of \(image.width)×\(image.height) pixels")
    return try Failure.about(path) { try predictor.refined(image, views: views, crf: crf) }
  }
}
