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
    } else if text.lowercased().hasSuffix(".onnx") || FileManager.default.fileExists(atPath: text) {
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
    case .file(let file): (file.path as NSString).lastPathComponent
    }
  }

  /// The graph for a size, which is the network's own where none is given, and the parameters that it needs besides.
  func graph(for size: SizeArgument?) throws -> Graph {
    switch self {
    case .named(let description): try description.graph(for: size)
    case .file(let file): try file.graph(forImagesOf: size?.extent, channelsLast: false)
    }
  }

  /// The same with images as [batch, height, width, channels], whatever the file's own order.
  func imageGraph(for size: SizeArgument?) throws -> Graph {
    switch self {
    case .named: return try graph(for: size)
    case .file(let file): return try file.graph(forImagesOf: size?.extent, channelsLast: !file.takesChannelsLast)
    }
  }

  /// Height and width of an input in the network's own order of axes, where it is an image.
  func imageExtent(of shape: Shape) -> Extent2D? {
    guard shape.rank == 4 else { return nil }
    if case .file(let file) = self, !file.takesChannelsLast { return Extent2D(shape[2], shape[3]) }
    return Extent2D(shape.height, shape.width)
  }

  /// The weights of a graph: from a file, or those that an ONNX file's graph has in itself.
  func parameters(_ weights: WeightsFile?, for graph: Graph) throws -> Parameters? {
    switch (self, weights) {
    case (.named(let description), let weights?):
      return try weights.parameters(of: description.network, for: graph)
    case (.named, nil): return nil
    case (.file, nil): return Parameters()
    case (.file(let file), _?): throw Failure(.usage, "\(file.path) holds its own weights: no --weights")
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
    case (.file(let file), _?): throw Failure(.usage, "\(file.path) holds its own weights: no --weights")
    }
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
        outputChannels: postprocessing == .argmax ? description.classes : 1)
    case .file(let file):
      guard weights == nil else { throw Failure(.usage, "\(file.path) holds its own weights: no --weights") }
      return try segmenter(of: file, images, on: backend, options)
    }
  }

  private func segmenter(
    of file: ONNXModel, _ images: ImageOptions, on backend: any Backend, _ options: CompileOptions
  ) throws -> Segmenter {
    let inputs = file.inputs
    guard inputs.count == 1, inputs[0].shape.map({ $0.count == 4 }) ?? true else {
      throw Failure(.badInput, "\(file.path): has \(inputs.count) inputs, or one that is no image: use `seg run`")
    }
    let settingsPath = images.settings ?? Self.settingsPath(beside: file.path)
    let settings = images.asSettings.completed(by: try settingsPath.map(Self.settings) ?? .init())
      .completed(by: Self.defaults(of: file))
    let isChannelsLast = settings.layout == "nhwc"
    do {
      guard ["nchw", "nhwc"].contains(settings.layout) else {
        throw Failure(.usage, "layout: \(settings.layout ?? "") is not nchw or nhwc")
      }
      let channels = (inputs[0].shape?[isChannelsLast ? 3 : 1]).flatMap { $0 } ?? (settings.channels == "grey" ? 1 : 3)
      let preprocessing = try settings.preprocessing(inputChannels: channels)
      // A file with channels first is imported with them last, which is how images come.
      let model = try Model(file, channelsLast: !isChannelsLast, on: backend, options: options)
      let probe = Placement(of: Extent2D(256, 256), fit: preprocessing.fit).networkSize
      let shape: Shape = [1, probe.height, probe.width, channels]
      let output = try model.compiled(for: [inputs[0].name: shape]).outputs[0].spec
      let isLabels = output.elementType != .float32
      let outputChannels = output.shape.rank == 4 && !isLabels ? output.shape.channels : 1
      let postprocessing = isLabels ? .argmax : try settings.postprocessing(outputChannels: outputChannels)
      return Segmenter(
        name: name, predictor: Predictor(model, preprocessing: preprocessing, postprocessing: postprocessing),
        classes: isLabels ? 256 : max(2, outputChannels), outputChannels: outputChannels)
    } catch let error as SettingsError {
      throw Failure(.usage, "\(settingsPath ?? file.path): \(error)")
    }
  }

  /// What the file itself says: its input's size, and whether its last operator gives probabilities.
  private static func defaults(of file: ONNXModel) -> PredictionSettings {
    var settings = PredictionSettings()
    settings.layout = file.takesChannelsLast ? "nhwc" : "nchw"
    if let shape = file.inputs.first?.shape, shape.count == 4 {
      let extents = file.takesChannelsLast ? [shape[1], shape[2]] : [shape[2], shape[3]]
      if let height = extents[0], let width = extents[1] { settings.size = [height, width] }
    }
    settings.output = ["Sigmoid", "Softmax"].contains(file.outputOperator) ? .probabilities : .logits
    return settings
  }

  /// `net.json` beside `net.onnx`, where it is there.
  private static func settingsPath(beside path: String) -> String? {
    let candidate = ((path as NSString).deletingPathExtension as NSString).appendingPathExtension("json")
    return candidate.flatMap { FileManager.default.fileExists(atPath: $0) ? $0 : nil }
  }

  private static func settings(_ path: String) throws -> PredictionSettings {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.unreadableInput, "\(path): cannot be read")
    }
    do {
      return try PredictionSettings(json: Array(data))
    } catch {
      throw Failure(.badInput, "\(path): \(error)")
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

  /// Whether masks are foreground and background.
  var isBinary: Bool { predictor.postprocessing != .argmax }

  /// Segments the image of a file.
  func prediction(
    for image: Image, of path: String, at resolution: Predictor.Resolution = .image
  ) throws -> Predictor.Prediction {
    // Logits at the image's size, what is made of them, the labels, and the image itself.
    try requireMemory(
      image.width * image.height * (8 * outputChannels + 16),
      for: "\(path): an image of \(image.width)×\(image.height) pixels")
    return try Failure.about(path) { try predictor(image, at: resolution) }
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
