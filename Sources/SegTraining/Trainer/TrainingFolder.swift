import SegEngine
import SegFiles
import SegIO

/// The folder of a training: its configuration, log, weights and checkpoint.
///
/// - `configuration.json`: all choices.
/// - `network.json` and `best.safetensors`: the trained network, which `Predictor` and the command line take by the folder's path. A network
///   that was an ONNX file is `best.onnx` with its settings `best.json` instead.
/// - `last.safetensors`: the checkpoint to continue from.
/// - `log.jsonl`: a line a step and a line a validation.
/// - `report.html` and `samples`: what `seg train` draws of the training.
public struct TrainingFolder: Sendable {
  /// The path.
  public let path: String

  /// Makes the description of a folder. It is created when training begins.
  public init(_ path: String) { self.path = path }

  var configurationPath: String { joined(path, "configuration.json") }
  var checkpointPath: String { joined(path, "last.safetensors") }
  var bestPath: String { joined(path, TrainedNetwork.weightsName) }
  var onnxPath: String { joined(path, TrainedNetwork.onnxName) }
  package var logPath: String { joined(path, "log.jsonl") }
  package var reportPath: String { joined(path, "report.html") }
  package var samplesPath: String { joined(path, "samples") }

  /// Whether a training has been begun here.
  public var exists: Bool { FileSystem.exists(configurationPath) }

  /// Whether there is a checkpoint to continue from.
  var hasCheckpoint: Bool { FileSystem.exists(checkpointPath) }

  /// Creates the folder with its configuration and network.
  func begin(_ configuration: TrainingConfiguration, _ network: TrainedNetwork) throws(TrainingOutputError) {
    try TrainingOutputError.writing(path) {
      try FileSystem.makeDirectory(path)
      try network.write(folder: path)
      try FileSystem.write([], to: logPath)
      // Last, because a folder with a configuration can be resumed.
      try configuration.write(to: configurationPath)
    }
  }

  /// Reads the configuration.
  ///
  /// - Throws: `FileError`, ``TrainingConfigurationError``.
  public func configuration() throws -> TrainingConfiguration {
    try TrainingConfiguration(contentsOf: configurationPath)
  }
}
