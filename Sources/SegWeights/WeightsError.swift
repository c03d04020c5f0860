import SegEngine
import SegFiles

/// A weights file that could not be read or written.
public struct WeightsError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The cause of the error.
  public enum Cause: Sendable, Equatable {
    /// The file could not be read or written, for a reason other than its format.
    case file(FileError)
    /// The file is empty.
    case empty
    /// The file is not in a supported format. The hint says what it is instead, if that is known.
    case unknownFormat(hint: String?)
    /// The contents contradict the format, one another, or the size of the file.
    case malformed(format: String, reason: String)
    /// A valid file with unsupported contents.
    case unsupported(format: String, reason: String)
    /// There is no dictionary of tensors, or none under the requested key. `keys` are the existing ones.
    case noStateDictionary(keys: [String])
    /// There are several dictionaries of tensors, and no key was given. `keys` are the existing ones.
    case severalStateDictionaries(keys: [String])
    /// The file's ending does not name a format that can be written.
    case unknownEnding
    /// The encoder failed.
    case cannotWrite(String)
  }

  /// The file.
  public let path: String
  /// The cause of the error.
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
  /// Returns the error for the file at a path.
  func error(_ path: String, _ format: String) -> WeightsError {
    WeightsError(
      path, isUnsupported ? .unsupported(format: format, reason: reason) : .malformed(format: format, reason: reason))
  }
}
