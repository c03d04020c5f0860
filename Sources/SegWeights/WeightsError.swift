import SegEngine
import SegFiles

/// A weights file that could not be read or written.
public struct WeightsError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What went wrong.
  public enum Cause: Sendable, Equatable {
    /// The file could not be read or written at all.
    case file(FileError)
    /// The file has no bytes.
    case empty
    /// Not a weights file that is read; what it is instead, where that is known.
    case unknownFormat(hint: String?)
    /// The contents contradict the format, themselves, or the size of the file.
    case malformed(format: String, reason: String)
    /// A valid file that holds something which is not read.
    case unsupported(format: String, reason: String)
    /// No dictionary of tensors is there, or none under the key that was asked for; the keys that lead to one.
    case noStateDictionary(keys: [String])
    /// Several dictionaries of tensors are there, and the caller named none; the keys that lead to them.
    case severalStateDictionaries(keys: [String])
    /// The file's ending names no format that is written.
    case unknownEnding
    /// The encoder failed.
    case cannotWrite(String)
  }

  /// The file.
  public let path: String
  /// What went wrong.
  public let cause: Cause

  init(_ path: String, _ cause: Cause) {
    self.path = path
    self.cause = cause
  }

  init(_ error: FileError) { self.init(error.path, .file(error)) }

  /// One line that names the file and the cause.
  public var description: String { oneLine("\(path): \(reason)") }

  private var reason: String {
    switch cause {
    case .file(let error): error.reason
    case .empty: "the file is empty"
    case .unknownFormat(let hint):
      "is no safetensors, NPZ or PyTorch weights file" + (hint.map { ": \($0)" } ?? "")
    case .malformed(let format, let reason): "damaged or incomplete \(format) file: \(reason)"
    case .unsupported(let format, let reason): "\(format) file of a kind that is not supported: \(reason)"
    case .noStateDictionary(let keys):
      keys.isEmpty
        ? "holds no dictionary of tensors" : "holds no tensors under that key, but under \(WeightsError.list(keys))"
    case .severalStateDictionaries(let keys):
      "holds several dictionaries of tensors, name the one to read: \(WeightsError.list(keys))"
    case .unknownEnding: "weights are written as .safetensors or .npz"
    case .cannotWrite(let reason): "cannot be written: \(reason)"
    }
  }

  private static func list(_ keys: [String]) -> String {
    let shown = keys.prefix(12).joined(separator: ", ")
    return keys.count > 12 ? "\(shown) and \(keys.count - 12) more" : shown
  }
}

extension FormatFailure {
  /// The error of the file that the contents are from.
  func error(_ path: String, _ format: String) -> WeightsError {
    WeightsError(
      path, isUnsupported ? .unsupported(format: format, reason: reason) : .malformed(format: format, reason: reason))
  }
}
