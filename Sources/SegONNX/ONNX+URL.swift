#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
import SegEngine
import SegFiles
import SegModels

// Each function equals the one that takes a path.

extension ONNXModel {
  /// Reads an ONNX file and the external data files that it names.
  ///
  /// - Parameter url: The URL of the file; it must be a `file:` URL.
  /// - Throws: ``ONNXError`` if a file cannot be read or is malformed, or if its operator set is not supported.
  public init(contentsOf url: URL) throws(ONNXError) {
    try self.init(contentsOf: String(pathOf: url) { error in ONNXError(error.path, .file(error)) })
  }
}

extension Graph {
  /// Builds the graph of an ONNX file for given input shapes.
  ///
  /// - Parameters:
  ///   - url: The URL of the file; it must be a `file:` URL.
  ///   - shapes: The shapes of inputs by name, with the file's axis order; see
  ///     ``ONNXModel/graph(inputs:channelsLast:)``.
  ///   - channelsLast: Whether inputs and outputs of rank 4 are `[batch, height, width, channels]` in the graph,
  ///     instead of `[batch, channels, height, width]` as in the file.
  /// - Throws: ``ONNXError``, as `init(onnx:inputs:channelsLast:)` with a path does.
  public init(onnx url: URL, inputs shapes: [String: Shape] = [:], channelsLast: Bool = false) throws {
    self = try ONNXModel(contentsOf: url).graph(inputs: shapes, channelsLast: channelsLast)
  }
}

extension Graph {
  /// Writes the graph with its weights as an ONNX file, as ``writeONNX(to:parameters:opensBatch:externalData:)-(String,_,_,_)`` does with a path.
  ///
  /// - Parameters:
  ///   - url: The URL of the file; it must be a `file:` URL.
  ///   - parameters: The weights of the graph.
  ///   - opensBatch: Whether the size of the batch is left open.
  ///   - externalData: Whether the weights are written to a file of their own.
  /// - Throws: ``ONNXExportError``.
  public func writeONNX(
    to url: URL, parameters: Parameters = Parameters(), opensBatch: Bool = true, externalData: Bool = false
  ) throws(ONNXExportError) {
    let path = try String(pathOf: url) { error in ONNXExportError.file(error) }
    try writeONNX(to: path, parameters: parameters, opensBatch: opensBatch, externalData: externalData)
  }
}

extension Predictor {
  /// Creates a predictor from an ONNX file.
  ///
  /// - Parameters:
  ///   - url: The URL of the file; it must be a `file:` URL. Settings are read from `net.json` beside `net.onnx` if
  ///     that file exists.
  ///   - settings: The settings of preprocessing and postprocessing. They take precedence over those in the settings
  ///     file.
  ///   - backend: The backend that runs the network.
  ///   - options: The options of compilation.
  /// - Throws: ``ONNXError`` if the file cannot be read or is not a segmentation network; `SettingsError` if settings
  ///   are invalid or do not fit the network.
  public init(
    contentsOf url: URL, settings: PredictionSettings = .init(), on backend: any Backend = OpenBLASBackend(),
    options: CompileOptions = .init()
  ) throws {
    try self.init(contentsOf: String(pathOf: url), settings: settings, on: backend, options: options)
  }
}

extension PredictionSettings {
  /// Reads a settings file (JSON).
  ///
  /// - Throws: `SettingsError` with the file's name if the file cannot be read or is invalid.
  public init(contentsOf url: URL) throws(SettingsError) {
    try self.init(contentsOf: String(pathOf: url) { error in SettingsError("\(error)") })
  }
}
