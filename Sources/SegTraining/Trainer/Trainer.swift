import SegEngine
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
  /// The network.
  let trained: TrainedNetwork
  let network: any SegmentationNetwork
  let backend: OpenBLASBackend

  /// Reads the data set, and makes the network for it.
  ///
  /// Images and masks are all read once: for labels, sizes, and the mean and deviation of the channels.
  ///
  /// - Throws: ``TrainingConfigurationError``, ``TrainingDataError``, `DatasetError`, `ImageError`, `NetworkError`.
  public init(_ configuration: TrainingConfiguration) throws {
    try configuration.validate()
    data = try TrainingData(contentsOf: configuration.data, layout: configuration.layout)
    survey = try DataSurvey(data, of: configuration.data, masks: configuration.masks, classes: configuration.classes)
    var configuration = configuration
    configuration.classes = survey.classes
    if let names = configuration.classNames, names.count != survey.classes {
      throw TrainingConfigurationError("\(names.count) names for \(survey.classes) classes")
    }
    var settings = PredictionSettings()
    settings.channels = survey.channels == 1 ? "grey" : survey.channels == 3 ? "rgb" : "bands"
    (settings.mean, settings.deviation) = (survey.mean, survey.deviation)
    settings.classNames = configuration.classNames
    var trained = TrainedNetwork(
      network: configuration.network, classes: survey.classes, inputChannels: survey.channels,
      widths: configuration.network == "unet" ? configuration.widths : nil, settings: settings)
    network = try trained.makeNetwork()
    trained.settings.multiple = network.features.map(\.stride).max() ?? 1
    self.trained = trained
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
    let graph = try network.graph(size: Extent2D(configuration.crops.size), auxiliary: !heads.isEmpty)
    return (graph, AuxiliaryLoss(try makeLoss(), auxiliaryWeights: heads.map { _ in configuration.auxiliaryWeight! }))
  }

  private var options: TrainingOptions {
    var options = TrainingOptions(
      clipping: configuration.clipping, averaging: configuration.averaging,
      compilation: CompileOptions(profile: .stored(for: backend)))
    options.frozen = configuration.frozen
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
    guard let path = configuration.weights else {
      return (TrainingState(initializing: step, seed: configuration.seed), [])
    }
    let file = WeightsFile(path: path)
    do {
      let loaded = try file.parameters(of: network, for: step.network).parameters
      return (try TrainingState(step, weights: loaded, seed: configuration.seed), [])
    } catch NetworkError.weights(_, _, let classes?) {
      var other = network
      other.classes = classes
      let graph = try other.graph(
        size: Extent2D(configuration.crops.size), auxiliary: configuration.auxiliaryWeight != nil)
      var loaded = try file.parameters(of: other, for: graph).parameters
      let own = Parameters(initializing: step.network, seed: configuration.seed)
      let drawn = step.network.parameters.filter { loaded[$0.name]?.shape != $0.spec.shape }.map(\.name)
      for name in drawn { loaded[name] = own[name] }
      return (try TrainingState(step, weights: loaded, seed: configuration.seed), drawn)
    }
  }

  /// The batches of the training.
  var sampler: BatchSampler {
    BatchSampler(
      store(of: data.training), counts: survey.pixelCounts, sampling: configuration.crops,
      augmentation: configuration.augmentation, batch: configuration.batch, seed: configuration.seed)
  }

  private func store(of pairs: [LabelledImages.Pair]) -> ExampleStore {
    ExampleStore(
      pairs, classes: survey.classes,
      TrainingDataReading(masks: configuration.masks, preprocessing: preprocessing), limit: configuration.cache)
  }

  private var preprocessing: Preprocessing {
    let channels: Preprocessing.Channels =
      survey.channels == 1 ? .grey : survey.channels == 3 ? .rgb : .bands(survey.channels)
    return Preprocessing(
      channels: channels, fit: .keep(multipleOf: trained.settings.multiple ?? 1), mean: survey.mean,
      deviation: survey.deviation)
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
    let reading = TrainingDataReading(masks: configuration.masks, preprocessing: preprocessing)
    let model = try Model(
      network.graph(size: Extent2D(configuration.crops.size)), parameters: parameters, on: backend,
      options: CompileOptions(profile: .stored(for: backend)))
    let predictor = Predictor(model, preprocessing: preprocessing, postprocessing: .argmax)
    var matrix = ConfusionMatrix(classes: survey.classes, ignoreLabel: LabelMap.unlabelled)
    for (index, pair) in (pairs ?? data.validation).enumerated() {
      let image = try reading.image(pair.image)
      let truth = try reading.labels(pair, of: image)
      let prediction = try predictor(image).labels
      try matrix.add(prediction: prediction, truth: truth, on: backend.workers)
      try visit(ValidatedImage(index: index, pair: pair, image: image, truth: truth, prediction: prediction))
    }
    return matrix
  }
}
