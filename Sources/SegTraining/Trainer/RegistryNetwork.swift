import SegEngine
import SegFiles
import SegIO

/// A network of ``ModelRegistry`` in training.
struct RegistryNetwork: TrainableNetwork {
  let trained: TrainedNetwork
  let preprocessing: Preprocessing
  let multiple: Int
  private let network: any SegmentationNetwork
  private let weights: String?

  /// Makes the network of a configuration for a data set.
  ///
  /// With first weights, images are prepared by the settings of the training that wrote the weights, or else by those of the registry's
  /// network, of whose resizing methods letterboxing alone is kept. Without first weights, mean and deviation are those of the data set. A
  /// network with one logit keeps it for two classes.
  ///
  /// - Throws: `NetworkError`; ``TrainingConfigurationError`` for a size that is no multiple of the network's strides.
  init(_ configuration: TrainingConfiguration, _ survey: DataSurvey) throws {
    // The folder of a training stands for its best weights.
    weights = configuration.weights.map {
      TrainedNetwork.isFolder($0) ? joined($0, TrainedNetwork.weightsName) : $0
    }
    guard let description = ModelRegistry.find(configuration.network) else {
      throw NetworkError.unknownName(configuration.network)
    }
    let earlier = try weights.flatMap(RegistryNetwork.training(ofWeights:))
    let usual =
      try earlier.map { try $0.settings.preprocessing(inputChannels: $0.inputChannels) } ?? description.preprocessing
    let isPrepared = weights != nil
    let channels = isPrepared ? usual.channels : .init(sampleCount: survey.channels)
    let isBinary = description.network.classes == 1 && survey.classes == 2
    var trained = TrainedNetwork(
      network: configuration.network, classes: isBinary ? 1 : survey.classes, inputChannels: channels.count,
      widths: configuration.network == "unet" ? configuration.widths : nil)
    network = try trained.makeNetwork()
    multiple = network.features.map(\.stride).max() ?? 1
    var fit = Preprocessing.Fit.keep(multipleOf: multiple)
    if let size = configuration.size {
      fit = .letterbox(Extent2D(size))
    } else if isPrepared, case .letterbox = usual.fit {
      fit = usual.fit
    }
    if case .letterbox(let size) = fit, size.height % multiple != 0 || size.width % multiple != 0 {
      throw TrainingConfigurationError("\(network.title) takes images of multiples of \(multiple) pixels, not \(size)")
    }
    preprocessing = Preprocessing(
      channels: channels, fit: fit, range: isPrepared ? usual.range : configuration.range.value,
      mean: isPrepared ? usual.mean : survey.mean, deviation: isPrepared ? usual.deviation : survey.deviation)
    trained.settings = PredictionSettings(preprocessing, multiple: multiple)
    trained.settings.classNames = configuration.classNames
    self.trained = trained
  }

  /// Returns the description of the training whose folder has a file of weights; `nil` for other files.
  private static func training(ofWeights path: String) throws -> TrainedNetwork? {
    let folder = parentDirectory(of: path)
    return TrainedNetwork.isFolder(folder) ? try TrainedNetwork(folder: folder) : nil
  }

  var title: String { network.title }
  var minimumSize: Extent2D { network.minimumSize }
  var auxiliaryOutputs: [String] { network.auxiliaryOutputs }

  func graph(size: Extent2D, batch: Int, auxiliary: Bool) throws -> Graph {
    try network.graph(size: size, auxiliary: auxiliary)
  }

  func model(
    _ parameters: Parameters, like size: Extent2D, on backend: any Backend, options: CompileOptions
  ) throws -> Model {
    try Model(classGraph(size: size), parameters: parameters, on: backend, options: options)
  }

  func firstWeights(for graph: Graph, seed: UInt64) throws -> (weights: Parameters, drawn: [String]) {
    guard let weights else { return (Parameters(initializing: graph, seed: seed), []) }
    let file = WeightsFile(path: weights)
    do {
      return (try file.parameters(of: network, for: graph).parameters, [])
    } catch NetworkError.weights(_, _, let classes?) {
      var other = network
      other.classes = classes
      let image = graph[graph.inputs[0].value].spec.shape
      let size = Extent2D(height: image.height, width: image.width)
      var loaded = try file.parameters(
        of: other, for: other.graph(size: size, auxiliary: graph.outputs.count > 1)
      ).parameters
      let own = Parameters(initializing: graph, seed: seed)
      let drawn = graph.parameters.filter { loaded[$0.name]?.shape != $0.spec.shape }.map(\.name)
      for name in drawn { loaded[name] = own[name] }
      return (loaded, drawn)
    }
  }

  func weights(in folder: TrainingFolder) throws -> Parameters? {
    FileSystem.exists(folder.bestPath) ? try Parameters(contentsOf: folder.bestPath) : nil
  }

  func write(_ weights: Parameters, into folder: TrainingFolder) throws { try weights.write(to: folder.bestPath) }
}
