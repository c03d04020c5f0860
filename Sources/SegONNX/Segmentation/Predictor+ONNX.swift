import SegEngine
import SegFiles
import SegModels

extension Predictor {
  /// A predictor of an ONNX file: the network, and the preparation of images and reading of its output that the file itself, the
  /// settings file beside it (`net.json` beside `net.onnx`) and `settings` say; the latter count most.
  ///
  /// What none of them says is taken for granted; ``ONNXSegmentation/assumptions`` lists it.
  ///
  /// - Throws: ``ONNXError`` where the file cannot be read or does not segment images, `SettingsError` where settings do not fit it.
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
  /// The settings of the file `net.json` beside `net.onnx`; empty where there is none.
  ///
  /// - Throws: `SettingsError`, which names the file.
  public static func beside(_ path: String) throws(SettingsError) -> PredictionSettings {
    guard let path = pathOfFile(beside: path) else { return .init() }
    return try PredictionSettings(contentsOf: path)
  }

  /// Reads a file of settings as `init(json:)` does.
  ///
  /// - Throws: `SettingsError`, which names the file, also where it cannot be read.
  public init(contentsOf path: String) throws(SettingsError) {
    do {
      try self.init(json: FileSystem.contents(of: path))
    } catch let error as FileError {
      throw SettingsError("\(path): \(error.reason)")
    } catch {
      throw SettingsError("\(path): \(error)")
    }
  }

  private static func pathOfFile(beside path: String) -> String? {
    guard let dot = path.lastIndex(of: "."), !path[dot...].contains("/") else { return nil }
    let candidate = String(path[..<dot]) + ".json"
    return FileSystem.exists(candidate) ? candidate : nil
  }
}
