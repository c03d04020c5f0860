import Foundation
import SegEngine
import SegIO
import SegModels

/// Where a network on the command line comes from: the registry, or an ONNX file.
enum NetworkSource {
  case named(ModelDescription)
  case file(ONNXModel)

  /// `classes` overrides the number of logits of a network from the registry.
  init(_ text: String, classes: Int? = nil) throws {
    if let description = ModelRegistry.find(text) {
      if let classes, !(1...4096).contains(classes) {
        throw Failure(.usage, "--classes lies between 1 and 4096, not \(classes)")
      }
      self = .named(classes.map { description.with(classes: $0) } ?? description)
    } else if classes != nil {
      throw Failure(.usage, "--classes is for named networks; there is none named \(text)")
    } else if text.lowercased().hasSuffix(".onnx") || FileSystem.exists(text) {
      self = .file(try ONNXModel(contentsOf: text))
    } else {
      throw Failure(
        .usage,
        "there is no network named \(text), and no such ONNX file; there are "
          + ModelRegistry.all.map(\.name).joined(separator: ", "))
    }
  }

  var name: String {
    switch self {
    case .named(let description): description.name
    case .file(let file): lastComponent(of: file.path)
    }
  }

  /// The graph for a size, which is the network's own where none is given, and the parameters that it needs besides.
  func graph(for size: SizeArgument?) throws -> Graph {
    switch self {
    case .named(let description): try description.graph(for: size)
    case .file(let file): try file.graph(forImagesOf: size?.extent, channelsLast: false)
    }
  }

  /// The network from images [1, height, width, channels], whatever the file's own order, to its segmentation.
  func imageGraph(for size: Extent2D?) throws -> Graph {
    switch self {
    case .named(let description): return try description.graph(for: size.map(SizeArgument.init))
    case .file(let file):
      let segmentation = try segmentation(of: file, nil)
      guard let size = size ?? segmentation.settings.size.map({ Extent2D($0[0], $0[$0.count - 1]) }) else {
        throw Failure(.usage, "\(file.path): the file leaves the size of images open: give --size")
      }
      return try segmentation.graph(for: size)
    }
  }

  /// Height and width of an input in the network's own order of axes, where it is an image.
  func imageExtent(of shape: Shape) -> Extent2D? {
    var layout = "nhwc"
    if case .file(let file) = self { layout = file.imageLayout ?? "nchw" }
    let axes = Array(layout)
    guard shape.rank == axes.count, let rows = axes.firstIndex(of: "h"), let columns = axes.firstIndex(of: "w") else {
      return nil
    }
    return Extent2D(shape[rows], shape[columns])
  }

  /// The weights of a graph: from a file, or those that an ONNX file's graph has in itself.
  func parameters(_ weights: WeightsFile?, for graph: Graph) throws -> Parameters? {
    switch (self, weights) {
    case (.named(let description), let weights?):
      return try weights.parameters(of: description.network, for: graph)
    case (.named, nil): return nil
    case (.file, nil): return Parameters()
    case (.file(let file), _?): throw Self.holdsWeights(file)
    }
  }

  /// The network for inputs of any shape, in its own layout.
  /// With `auxiliary` it gives the outputs of auxiliary heads besides.
  func model(
    weights: WeightsFile?, on backend: any Backend, options: CompileOptions = .init(), auxiliary: Bool = false
  ) throws -> Model {
    switch (self, weights) {
    case (.named(let description), let weights?):
      let graph = try description.network.graph(size: description.defaultSize, auxiliary: auxiliary)
      let parameters = try weights.parameters(of: description.network, for: graph)
      return try Model(graph, parameters: parameters, on: backend, options: options)
    case (.named, nil): throw Failure(.usage, "\(name) needs --weights")
    case (.file(let file), nil): return try Model(file, on: backend, options: options)
    case (.file(let file), _?): throw Self.holdsWeights(file)
    }
  }

  private static func holdsWeights(_ file: ONNXModel) -> Failure {
    Failure(.usage, "\(file.path) holds its own weights: no --weights")
  }

  /// The network with what comes before and after it.
  func segmenter(weights: WeightsFile?, images: ImageOptions, _ compute: ComputeOptions) throws -> Segmenter {
    let backend = compute.backend
    let options = compute.options(for: backend)
    switch self {
    case .named(let description):
      guard images.isEmptyButForThreshold else {
        throw Failure(.usage, "\(description.name) knows how its images are prepared: those options are for ONNX files")
      }
      var postprocessing = description.postprocessing
      if let threshold = images.threshold {
        guard let changed = postprocessing.with(threshold: threshold) else {
          throw Failure(
            .usage, "\(description.name) chooses the largest of \(description.classes) classes: no --threshold")
        }
        postprocessing = changed
      }
      let predictor = Predictor(
        try model(weights: weights, on: backend, options: options), preprocessing: description.preprocessing,
        postprocessing: postprocessing, refinement: description.refinement ?? .deepLab)
      return Segmenter(
        name: description.name, predictor: predictor, classes: description.classes,
        outputChannels: postprocessing == .argmax ? description.classes : 1
      ) { try description.graph(for: SizeArgument($0)) }
    case .file(let file):
      guard weights == nil else { throw Self.holdsWeights(file) }
      return try segmenter(of: file, images, on: backend, options)
    }
  }

  private func segmenter(
    of file: ONNXModel, _ images: ImageOptions, on backend: any Backend, _ options: CompileOptions
  ) throws -> Segmenter {
    let segmentation = try segmentation(of: file, images)
    return Segmenter(
      name: name, predictor: segmentation.predictor(on: backend, options: options),
      classes: min(256, segmentation.classes),
      outputChannels: segmentation.outputChannels, assumptions: segmentation.assumptions.map { "\(name): \($0)" },
      graph: segmentation.graph)
  }

  private func segmentation(of file: ONNXModel, _ images: ImageOptions?) throws -> ONNXSegmentation {
    let stored: PredictionSettings
    do throws(SettingsError) {
      stored = if let path = images?.settings { try .init(contentsOf: path) } else { try .beside(file.path) }
    } catch {
      throw Failure(.badInput, "\(error)")
    }
    do {
      return try ONNXSegmentation(file, settings: images?.asSettings.completed(by: stored) ?? stored)
    } catch let error as SettingsError {
      throw Failure(.usage, "\(file.path): \(error)")
    }
  }
}

/// A network that segments images.
struct Segmenter {
  let name: String
  let predictor: Predictor
  /// Labels from 0 to below this; a network of one output channel has two.
  let classes: Int
  let outputChannels: Int
  /// What was taken for granted, a line each.
  var assumptions: [String] = []
  /// The network for images `[1, height, width, channels]` of a size, for what is to be known of it without running it.
  let graph: (Extent2D) throws -> Graph

  /// Prints what was taken for granted to the standard error stream.
  func sayAssumptions() { for assumption in assumptions { printError("seg: \(assumption)") } }

  /// Whether masks are foreground and background.
  var isBinary: Bool { predictor.postprocessing.threshold != nil }

  /// Segments the image of a file.
  func prediction(
    for image: Image, of path: String, at resolution: Predictor.Resolution = .image, keepingLogits: Bool = false
  ) throws -> Predictor.Prediction {
    // Logits at the image's size, what is made of them, the labels, and the image itself.
    try requireMemory(
      image.width * image.height * (8 * outputChannels + 16),
      for: "\(path): an image of \(image.width)×\(image.height) pixels")
    return try Failure.about(path) { try predictor(image, at: resolution, keepingLogits: keepingLogits) }
  }

  /// Segments the image of a file from several views, and through a conditional random field where one is given.
  func refinedLabels(
    of image: Image, of path: String, views: TestTimeAugmentation, crf: DenseCRF?
  ) throws -> LabelMap {
    let pixels = image.width * image.height
    try requireMemory(
      pixels * (12 * max(2, outputChannels) + 16) + (crf?.byteCount(for: image, classes: max(2, outputChannels)) ?? 0),
      for: "\(path): an image of \(image.width)×\(image.height) pixels")
    return try Failure.about(path) { try predictor.refined(image, views: views, crf: crf).labels }
  }
}
