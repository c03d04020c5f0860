#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
import SegEngine
import SegFiles
import SegModels

// Each function does what the one of the same name does with a path.

extension ONNXModel {
  /// Reads a file and the files with external data that it names.
  ///
  /// - Throws: ``ONNXError`` where a file cannot be read or is damaged, or is written for an operator set that is not read.
  public init(contentsOf url: URL) throws(ONNXError) {
    try self.init(contentsOf: String(pathOf: url) { error in ONNXError(error.path, .file(error)) })
  }
}

extension Graph {
  /// The graph of an ONNX file.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - shapes: Shapes of inputs, by name, where the file leaves them open.
  ///   - channelsLast: Whether inputs and outputs that are maps have their channels last.
  /// - Throws: ``ONNXError``, as `init(onnx:inputs:channelsLast:)` with a path does.
  public init(onnx url: URL, inputs shapes: [String: Shape] = [:], channelsLast: Bool = false) throws {
    self = try ONNXModel(contentsOf: url).graph(inputs: shapes, channelsLast: channelsLast)
  }
}

extension Predictor {
  /// A predictor of an ONNX file.
  ///
  /// - Parameters:
  ///   - url: The file. Settings are read from `net.json` beside `net.onnx`, where that is there.
  ///   - settings: How images go in and labels come out; these count more than the settings file.
  ///   - backend: What computes.
  ///   - options: How the network is compiled.
  /// - Throws: ``ONNXError`` where the file cannot be read or does not segment images, `SettingsError` where settings do not fit it.
  public init(
    contentsOf url: URL, settings: PredictionSettings = .init(), on backend: any Backend = OpenBLASBackend(),
    options: CompileOptions = .init()
  ) throws {
    try self.init(contentsOf: String(pathOf: url), settings: settings, on: backend, options: options)
  }
}

extension PredictionSettings {
  /// Reads a file of settings.
  ///
  /// - Throws: `SettingsError`, which names the file, also where it cannot be read.
  public init(contentsOf url: URL) throws(SettingsError) {
    try self.init(contentsOf: String(pathOf: url) { error in SettingsError("\(error)") })
  }
}
