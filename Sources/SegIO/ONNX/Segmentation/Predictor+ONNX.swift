import SegEngine
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
    do throws(SettingsError) {
      return try PredictionSettings(contentsOf: path)
    } catch {
      throw SettingsError("\(path): \(error)")
    }
  }

  /// Reads a file of settings as `init(json:)` does.
  ///
  /// - Throws: `SettingsError`, also where the file cannot be read.
  public init(contentsOf path: String) throws(SettingsError) {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try FileSystem.contents(of: path)
    } catch {
      throw SettingsError(error.reason)
    }
    try self.init(json: bytes)
  }

  private static func pathOfFile(beside path: String) -> String? {
    guard let dot = path.lastIndex(of: "."), !path[dot...].contains("/") else { return nil }
    let candidate = String(path[..<dot]) + ".json"
    return FileSystem.exists(candidate) ? candidate : nil
  }
}
