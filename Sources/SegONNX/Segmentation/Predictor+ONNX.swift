import SegEngine
import SegFiles
import SegModels

extension Predictor {
  /// Creates a predictor from an ONNX file.
  ///
  /// Preprocessing and postprocessing come from `settings`, else from the settings file beside the file (`net.json`
  /// beside `net.onnx`), else from the ONNX file itself. What none of them determines is assumed;
  /// ``ONNXSegmentation/assumptions`` lists it.
  ///
  /// - Parameters:
  ///   - path: The path of the ONNX file.
  ///   - settings: The settings of preprocessing and postprocessing.
  ///   - backend: The backend that runs the network.
  ///   - options: The options of compilation.
  /// - Throws: ``ONNXError`` if the file cannot be read or is not a segmentation network; `SettingsError` if settings
  ///   are invalid or do not fit the network.
  public init(
    contentsOf path: String, settings: PredictionSettings = .init(), on backend: any Backend = OpenBLASBackend(),
    options: CompileOptions = .init()
  ) throws {
    let file = try ONNXModel(contentsOf: path)
    let segmentation = try ONNXSegmentation(file, settings: settings.completed(by: .beside(path)))
    self = segmentation.predictor(on: backend, options: options)
  }
}

extension PredictionSettings {
  /// Reads the settings file beside an ONNX file: `net.json` beside `net.onnx`. Without such a file, the settings are
  /// empty.
  ///
  /// - Parameter path: The path of the ONNX file.
  /// - Throws: `SettingsError` with the file's name if the file cannot be read or is invalid.
  public static func beside(_ path: String) throws(SettingsError) -> PredictionSettings {
    guard let path = pathOfFile(beside: path), FileSystem.exists(path) else { return .init() }
    return try PredictionSettings(contentsOf: path)
  }

  /// Writes the settings file beside an ONNX file: `net.json` beside `net.onnx`.
  ///
  /// - Precondition: The path of the ONNX file has an ending.
  package func write(beside path: String) throws(FileError) {
    guard let path = PredictionSettings.pathOfFile(beside: path) else {
      preconditionFailure("\(path) has no ending")
    }
    try FileSystem.write(json, to: path)
  }

  /// Reads a settings file as `init(json:)` does.
  ///
  /// - Throws: `SettingsError` with the file's name if the file cannot be read or is invalid.
  public init(contentsOf path: String) throws(SettingsError) {
    do {
      try self.init(json: FileSystem.contents(of: path))
    } catch let error as FileError {
      throw SettingsError("\(path): \(error.reason)")
    } catch {
      throw SettingsError("\(path): \(error)")
    }
  }

  /// Returns the path of the settings file beside an ONNX file; `nil` if the path of that has no ending.
  private static func pathOfFile(beside path: String) -> String? {
    guard let dot = path.lastIndex(of: "."), !path[dot...].contains("/") else { return nil }
    return String(path[..<dot]) + ".json"
  }
}
