import SegEngine
import SegFiles
import SegIO

/// Trains a network on a folder of images and masks, and keeps its progress in another folder.
///
/// ```swift
/// var configuration = TrainingConfiguration(data: "cells")
/// configuration.steps = 1000
/// let trainer = try Trainer(configuration)
/// let result = try trainer.train(in: TrainingFolder("run"))
/// ```
public struct Trainer: Sendable {
  /// The configuration, with the number of classes that the data set has.
  public let configuration: TrainingConfiguration
  /// The parts of the data set.
  public let data: TrainingData
  /// What the data set contains.
  public let survey: DataSurvey
  let network: any TrainableNetwork
  let backend: OpenBLASBackend

  /// Reads the data set, and makes the network for it.
  ///
  /// Images and masks are all read once: for labels, sizes, and the mean and deviation of the channels.
  ///
  /// - Throws: ``TrainingConfigurationError``, ``TrainingDataError``, `DatasetError`, `ImageError`, `NetworkError`.
  public init(_ configuration: TrainingConfiguration) throws {
    try configuration.validate()
    let data = try TrainingData(contentsOf: configuration.data, layout: configuration.layout)
    try self.init(
      configuration, data,
      DataSurvey(
        data, of: configuration.data, masks: configuration.masks, range: configuration.range.value,
        classes: configuration.classes))
  }

  /// Makes a trainer with other choices on the same data set, which is not read again.
  ///
  /// - Throws: ``TrainingConfigurationError``, `NetworkError`.
  /// - Precondition: the choices of the data set (folder, layout, reading of masks, range of samples, number of classes) are those of this
  ///   trainer.
  public func with(_ configuration: TrainingConfiguration) throws -> Trainer {
    let own = self.configuration
    precondition(
      own.data == configuration.data && own.layout == configuration.layout && own.isBinary == configuration.isBinary
        && own.ignored == configuration.ignored && own.range == configuration.range
        && [nil, own.classes].contains(configuration.classes),
      "a trainer keeps its data set")
    try configuration.validate()
    return try Trainer(configuration, data, survey)
  }

  private init(_ configuration: TrainingConfiguration, _ data: TrainingData, _ survey: DataSurvey) throws {
    (self.data, self.survey) = (data, survey)
    var configuration = configuration
    configuration.classes = survey.classes
    if let names = configuration.classNames, names.count != survey.classes {
      throw TrainingConfigurationError("\(names.count) names for \(survey.classes) classes")
    }
    network =
      ModelRegistry.find(configuration.network) == nil && FileSystem.exists(configuration.network)
      ? try ONNXFileNetwork(configuration, survey) : try RegistryNetwork(configuration, survey)
    let size = Extent2D(configuration.crops.size)
    guard size.height >= network.minimumSize.height, size.width >= network.minimumSize.width else {
      throw TrainingConfigurationError("\(network.title) takes crops of \(network.minimumSize.height) pixels or more")
    }
    self.configuration = configuration
    backend = OpenBLASBackend(workers: configuration.threads.map { WorkerPool(threads: $0) } ?? .shared)
  }

  /// The loss with the weights of the classes.
  private func makeLoss() throws -> any SegmentationLoss {
    var weights: [Double]?
    if configuration.classWeighting != .none {
      var frequencies = ClassFrequencies(classes: survey.classes, ignoreLabel: LabelMap.unlabelled)
      for counts in survey.pixelCounts { frequencies.add(pixelCounts: counts) }
      weights = frequencies.weights(configuration.classWeighting == .inverse ? .inverseFrequency : .medianFrequency)
    }
    return try LossChoice(configuration.loss, classWeights: weights).loss
  }

  /// The graph, and the loss of each of its outputs.
  private func graphAndLoss() throws -> (Graph, AuxiliaryLoss) {
    let heads = configuration.auxiliaryWeight == nil ? [] : network.auxiliaryOutputs
    let graph = try network.classGraph(
      size: Extent2D(configuration.crops.size), batch: configuration.batch, auxiliary: !heads.isEmpty)
    let names = graph.parameters.map(\.name)
    if let prefix = configuration.frozen.first(where: { prefix in !names.contains { $0.hasPrefix(prefix) } }) {
      throw TrainingConfigurationError("no weights have names that begin with \(prefix), as those to be frozen")
    }
    return (graph, AuxiliaryLoss(try makeLoss(), auxiliaryWeights: heads.map { _ in configuration.auxiliaryWeight! }))
  }

  private var options: TrainingOptions {
    var options = TrainingOptions(
      clipping: configuration.clipping, averaging: configuration.averaging,
      compilation: CompileOptions(profile: .stored(for: backend)))
    options.frozen = configuration.frozen
    options.layerDecay = configuration.layerDecay
    return options
  }

  /// Plans a step: its algorithms and memory.
  public func plan() throws -> TrainingPlan {
    let (graph, loss) = try graphAndLoss()
    return try graph.trainingPlan(
      loss: loss, optimizer: configuration.rule, batch: configuration.batch, memory: configuration.budget,
      options: options, on: backend)
  }

  /// Compiles a step.
  func makeStep() throws -> TrainingStep {
    let (graph, loss) = try graphAndLoss()
    return try graph.training(
      loss: loss, optimizer: configuration.rule, batch: configuration.batch, memory: configuration.budget,
      options: options, on: backend)
  }

  /// Makes the first state: weights of the file, or drawn ones.
  ///
  /// - Returns: The state, and the names of weights that the file has for another number of classes, which are drawn.
  func makeState(_ step: TrainingStep) throws -> (state: TrainingState, drawn: [String]) {
    let (weights, drawn) = try network.firstWeights(for: step.network, seed: configuration.seed)
    return (try TrainingState(step, weights: weights, seed: configuration.seed), drawn)
  }

  /// Reads the best weights of a training's folder; `nil` if it has none yet.
  package func bestWeights(in folder: TrainingFolder) throws -> Parameters? { try network.weights(in: folder) }

  /// The batches of the training.
  var sampler: BatchSampler {
    BatchSampler(
      store(of: data.training), counts: survey.pixelCounts, sampling: configuration.crops,
      augmentation: configuration.augmentation, batch: configuration.batch, seed: configuration.seed)
  }

  private func store(of pairs: [LabelledImages.Pair]) -> ExampleStore {
    ExampleStore(
      pairs, classes: survey.classes,
      TrainingDataReading(masks: configuration.masks, preprocessing: network.preprocessing), limit: configuration.cache)
  }

  /// Segments images with weights, and compares them with their masks.
  ///
  /// - Parameters:
  ///   - parameters: The weights.
  ///   - pairs: Images and masks, by default those of ``TrainingData/validation``.
  ///   - visit: Receives each image.
  /// - Returns: The pixels by true and predicted class.
  public func evaluate(
    _ parameters: Parameters, on pairs: [LabelledImages.Pair]? = nil, visit: (ValidatedImage) throws -> Void = { _ in }
  ) throws -> ConfusionMatrix {
    let reading = TrainingDataReading(masks: configuration.masks, preprocessing: network.preprocessing)
    let model = try network.model(
      parameters, like: Extent2D(configuration.crops.size), on: backend,
      options: CompileOptions(profile: .stored(for: backend)))
    let predictor = Predictor(model, preprocessing: network.preprocessing, postprocessing: .argmax)
    var matrix = ConfusionMatrix(classes: survey.classes, ignoreLabel: LabelMap.unlabelled)
    for (index, pair) in (pairs ?? data.validation).enumerated() {
      let image = try reading.image(pair.image)
      let truth = try reading.labels(pair, of: image)
      let tiling = tiling(for: image)
      let prediction = try tiling.map { try predictor.labels(for: image, in: $0) } ?? predictor(image).labels
      try matrix.add(prediction: prediction, truth: truth, on: backend.workers)
      try visit(ValidatedImage(index: index, pair: pair, image: image, truth: truth, prediction: prediction))
    }
    return matrix
  }

  /// The tiles by which an image is validated; `nil` for the image as a whole.
  private func tiling(for image: Image) -> Tiling? {
    if case .letterbox = network.preprocessing.fit { return nil }
    guard let tile = configuration.tile, max(image.height, image.width) > 2 * tile else { return nil }
    return Tiling(size: Extent2D(tile), overlap: Extent2D(tile / 8), alignment: network.multiple)
  }
}
