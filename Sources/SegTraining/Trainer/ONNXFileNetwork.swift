import SegEngine
import SegFiles
import SegIO
import SegONNX

/// The network of an ONNX file in training. What is written is the file with other weights.
struct ONNXFileNetwork: TrainableNetwork {
  let trained: TrainedNetwork
  private let file: ONNXTrainable

  /// Reads the file that a configuration names.
  ///
  /// - Throws: `ONNXError`, `SettingsError`; ``TrainingConfigurationError`` if the file takes images of another size than the crops.
  init(_ configuration: TrainingConfiguration, _ survey: DataSurvey) throws {
    guard configuration.weights == nil else {
      throw TrainingConfigurationError("\(configuration.network) contains its weights: other ones cannot be given")
    }
    file = try ONNXTrainable(
      contentsOf: configuration.network, classes: survey.classes, seed: configuration.seed)
    let segmentation = file.segmentation
    trained = TrainedNetwork(
      network: lastComponent(of: configuration.network), file: TrainedNetwork.onnxName, classes: segmentation.classes,
      inputChannels: segmentation.inputChannels, settings: segmentation.settings)
    let crop = configuration.crops.size
    if let size = segmentation.settings.size, size.contains(where: { $0 != crop }) {
      throw TrainingConfigurationError(
        "\(configuration.network) takes images of \(size.map(String.init).joined(separator: "×")) pixels: crops need that size"
      )
    }
  }

  var title: String { trained.network }
  var multiple: Int { trained.settings.multiple ?? 1 }
  var minimumSize: Extent2D { Extent2D(1) }
  var auxiliaryOutputs: [String] { [] }
  var preprocessing: Preprocessing { file.segmentation.preprocessing }

  func graph(size: Extent2D, batch: Int, auxiliary: Bool) throws -> Graph { try file.graph(for: size, batch: batch) }

  func model(
    _ parameters: Parameters, like size: Extent2D, on backend: any Backend, options: CompileOptions
  ) throws -> Model {
    let name = file.segmentation.inputName
    return Model(
      name: title, inputNames: [name], outputNames: ["logits"], parameters: parameters, on: backend, options: options
    ) { [self] shapes in
      guard let shape = shapes[name] else {
        throw GraphError.missingInput(name: name, expected: TensorSpec([1, size.height, size.width, 1]))
      }
      return try classGraph(size: Extent2D(height: shape.height, width: shape.width), batch: shape[0])
    }
  }

  func firstWeights(for graph: Graph, seed: UInt64) throws -> (weights: Parameters, drawn: [String]) {
    (file.weights, file.drawn)
  }

  func weights(in folder: TrainingFolder) throws -> Parameters? {
    guard FileSystem.exists(folder.onnxPath) else { return nil }
    return try ONNXTrainable(contentsOf: folder.onnxPath, classes: trained.classes, seed: 0).weights
  }

  func write(_ weights: Parameters, into folder: TrainingFolder) throws { try file.write(weights, to: folder.onnxPath) }
}
