import SegEngine
import SegFiles
import SegModels
import SegONNX

/// The source of a network: the registry, by name; the folder of a trained network; or an ONNX file.
package enum NetworkSource: Sendable {
  /// A network by name, or one that was trained, with its file of weights.
  case named(ModelDescription, weights: WeightsFile?)
  case file(ONNXModel)

  /// Finds the network of a name, or else reads the file or folder at that path.
  ///
  /// - Parameters:
  ///   - text: A name of the registry, the path of an ONNX file, or the folder of a trained network.
  ///   - classes: The number of logits of a named network, if it differs from the registry's.
  /// - Throws: ``NetworkError``, `ONNXError`.
  package init(_ text: String, classes: Int? = nil) throws {
    if let description = ModelRegistry.find(text) {
      self = .named(try description.validated(classes: classes), weights: nil)
    } else if TrainedNetwork.isFolder(text) {
      guard classes == nil else { throw NetworkError.classesOfFile(path: text) }
      let trained = try TrainedNetwork(folder: text)
      if let file = trained.file {
        self = .file(try ONNXModel(contentsOf: joined(text, file)))
      } else {
        self = .named(
          try trained.makeDescription(named: text),
          weights: WeightsFile(path: joined(text, TrainedNetwork.weightsName)))
      }
    } else if classes != nil {
      throw NetworkError.classesOfFile(path: text)
    } else if text.lowercased().hasSuffix(".onnx") || FileSystem.exists(text) {
      self = .file(try ONNXModel(contentsOf: text))
    } else {
      throw NetworkError.unknownName(text)
    }
  }

  package var name: String {
    switch self {
    case .named(let description, _): description.name
    case .file(let file): lastComponent(of: file.path)
    }
  }

  /// Makes the graph for a size, by default the network's own. Inputs keep the network's axis order. With `auxiliary`, the auxiliary heads of
  /// a named network are outputs too.
  package func graph(for size: Extent2D?, auxiliary: Bool = false) throws -> Graph {
    switch self {
    case .named(let description, _): try description.checkedGraph(for: size, auxiliary: auxiliary)
    case .file(let file): try file.graph(forImagesOf: size, channelsLast: false)
    }
  }

  /// Makes the graph from images `[1, height, width, channels]` to their segmentation, whatever the file's axis order.
  package func imageGraph(for size: Extent2D?) throws -> Graph {
    switch self {
    case .named(let description, _): return try description.checkedGraph(for: size)
    case .file(let file):
      let segmentation = try ONNXSegmentation(file, settings: .beside(file.path))
      guard let size = size ?? segmentation.settings.size.map({ Extent2D(height: $0[0], width: $0[$0.count - 1]) })
      else {
        throw NetworkError.noSize(path: file.path)
      }
      return try segmentation.graph(for: size)
    }
  }

  /// Makes the graph that is exported for a size, by default the network's own, and the settings of its preprocessing and postprocessing. Where
  /// these take the sigmoid of an output before anything else, the graph does.
  package func exportedGraph(for size: Extent2D?) throws -> (graph: Graph, settings: PredictionSettings) {
    switch self {
    case .named(let description, _):
      let graph = try description.checkedGraph(for: size)
      let settings = PredictionSettings(
        description.preprocessing, description.postprocessing, size: size ?? description.defaultSize,
        classes: description.classes, classList: description.classList)
      guard case .saliencyLogits = description.postprocessing else { return (graph, settings) }
      return (try graph.extended(by: SaliencyOutput(), for: [:]), settings)
    case .file(let file):
      let segmentation = try ONNXSegmentation(file, settings: .beside(file.path))
      let graph = try imageGraph(for: size)
      var settings = segmentation.settings
      let image = graph[graph.inputs[0].value].spec.shape
      (settings.size, settings.multiple, settings.layout) = ([image.height, image.width], nil, nil)
      settings.outputName = nil
      return (graph, settings)
    }
  }

  /// Returns height and width of an input, by the network's axis order; `nil` if it is not an image.
  package func imageExtent(of shape: Shape) -> Extent2D? {
    var layout = "nhwc"
    if case .file(let file) = self { layout = file.imageLayout ?? "nchw" }
    let axes = Array(layout)
    guard shape.rank == axes.count, let rows = axes.firstIndex(of: "h"), let columns = axes.firstIndex(of: "w") else {
      return nil
    }
    return Extent2D(height: shape[rows], width: shape[columns])
  }

  /// Loads the parameters of a graph, with the ignored checkpoint keys. They come from the file of weights; the graph of an ONNX file
  /// contains its own. A named network without a file has the weights of the library, or `nil`.
  package func parameters(
    _ weights: WeightsFile?, for graph: Graph
  ) throws -> (parameters: Parameters, leftOut: [String])? {
    switch (self, weights) {
    case (.named(let description, _), let weights?), (.named(let description, let weights?), nil):
      let loaded = try weights.parameters(of: description.network, for: graph)
      return (loaded.parameters, loaded.leftOut)
    case (.named(let description, nil), nil):
      // Weights of the library are those of the registry's number of classes.
      guard description.network.classes == ModelRegistry.find(description.name)?.network.classes,
        let checkpoint = try BundledWeights.checkpoint(of: description.name)
      else { return nil }
      let loaded = try description.network.parameters(from: checkpoint, for: graph, key: nil)
      return (loaded.parameters, loaded.leftOut)
    case (.file, nil): return (Parameters(), [])
    case (.file(let file), _?): throw NetworkError.weightsOfFile(path: file.path)
    }
  }

  /// Loads the network for inputs of any shape in its own layout, with the ignored checkpoint keys.
  ///
  /// - Parameter auxiliary: Whether to include the outputs of auxiliary heads.
  package func model(
    weights: WeightsFile?, on backend: any Backend, options: CompileOptions = .init(), auxiliary: Bool = false
  ) throws -> (model: Model, leftOut: [String]) {
    switch self {
    case .named(let description, _):
      let graph = try description.network.graph(size: description.defaultSize, auxiliary: auxiliary)
      guard let loaded = try parameters(weights, for: graph) else {
        throw NetworkError.noWeights(name: description.name)
      }
      return (try Model(graph, parameters: loaded.parameters, on: backend, options: options), loaded.leftOut)
    case .file(let file):
      guard weights == nil else { throw NetworkError.weightsOfFile(path: file.path) }
      return (try Model(file, on: backend, options: options), [])
    }
  }

  /// Reads the settings from a file, by default the one beside the ONNX file. A named network has none.
  package func storedSettings(at path: String?) throws(SettingsError) -> PredictionSettings {
    guard case .file(let file) = self else { return .init() }
    return if let path { try .init(contentsOf: path) } else { try .beside(file.path) }
  }

  /// Makes the network with preprocessing and postprocessing.
  ///
  /// - Parameter settings: Of an ONNX file, its preprocessing and postprocessing; of a named network, at most the threshold.
  package func segmenter(
    weights: WeightsFile?, settings: PredictionSettings, on backend: any Backend, options: CompileOptions
  ) throws -> LoadedPredictor {
    switch self {
    case .named(let description, _):
      var others = settings
      others.threshold = nil
      guard others == PredictionSettings() else { throw NetworkError.settings(name: description.name) }
      var postprocessing = description.postprocessing
      if let threshold = settings.threshold {
        guard let changed = postprocessing.with(threshold: threshold) else {
          throw NetworkError.threshold(name: description.name, classes: description.classes)
        }
        postprocessing = changed
      }
      let (model, leftOut) = try model(weights: weights, on: backend, options: options)
      var predictor = Predictor(
        model, preprocessing: description.preprocessing, postprocessing: postprocessing,
        refinement: description.refinement ?? .deepLab)
      predictor.classList = description.classList
      return LoadedPredictor(
        name: name, predictor: predictor, classes: description.classes,
        outputChannels: postprocessing == .argmax ? description.classes : 1, assumptions: [], leftOut: leftOut
      ) { try description.checkedGraph(for: $0) }
    case .file(let file):
      guard weights == nil else { throw NetworkError.weightsOfFile(path: file.path) }
      let segmentation = try ONNXSegmentation(file, settings: settings)
      return LoadedPredictor(
        name: name, predictor: segmentation.predictor(on: backend, options: options),
        classes: min(256, segmentation.classes), outputChannels: segmentation.outputChannels,
        assumptions: segmentation.replaceableAssumptions, leftOut: [], graph: segmentation.graph)
    }
  }
}

/// Replaces the logits of a saliency map by their sigmoid.
private struct SaliencyOutput: GraphExtension {
  func extend(_ graph: GraphBuilder, outputs: [Value]) throws { graph.output("saliency", outputs[0].map(.sigmoid)) }
}

extension ModelDescription {
  /// Returns the network with another number of classes.
  fileprivate func validated(classes: Int?) throws(NetworkError) -> ModelDescription {
    guard let classes else { return self }
    guard (1...4096).contains(classes) else { throw .classes(classes) }
    return with(classes: classes)
  }

  /// Makes the graph for a size. If the size does not fit, the error names the network and the size.
  fileprivate func checkedGraph(for size: Extent2D?, auxiliary: Bool = false) throws -> Graph {
    let size = size ?? defaultSize
    do {
      return try network.graph(size: size, auxiliary: auxiliary)
    } catch GraphError.shape(let node, let error, _, _) {
      throw NetworkError.size(name: name, height: size.height, width: size.width, reason: "at \(node): \(error)")
    }
  }
}
