import SegFiles

/// An ONNX file that cannot be run.
public struct ONNXError: Error, Sendable, CustomStringConvertible {
  /// An operator of a file that is not supported.
  public struct Unsupported: Sendable, Hashable, CustomStringConvertible {
    /// The node's name, or its first output where it has none.
    public let node: String
    /// The operator, with its domain where that is not ONNX's own.
    public let `operator`: String
    /// The version of the operator set that the file was written for.
    public let opset: Int

    public var description: String { "\(`operator`) (opset \(opset)) at \(node)" }
  }

  /// What went wrong.
  public enum Cause: Sendable {
    /// The file, or one with external data, could not be read.
    case file(FileError)
    /// The contents are no ONNX model, or contradict themselves.
    case malformed(reason: String)
    /// Operators that are not supported: all of them.
    case unsupportedOperators([Unsupported])
    /// A node with attributes, types or shapes that are not supported or do not fit.
    case node(name: String, operator: String, reason: String)
    /// An input's shape is not what the file says, or has to be given.
    case input(name: String, reason: String)
  }

  /// The file, or what the caller named the bytes.
  public let path: String
  /// What went wrong.
  public let cause: Cause

  init(_ path: String, _ cause: Cause) {
    self.path = path
    self.cause = cause
  }

  /// One line that names the file and the cause.
  public var description: String {
    switch cause {
    case .file(let error): error.description
    case .malformed(let reason): oneLine("\(path): is no valid ONNX model: \(reason)")
    case .unsupportedOperators(let operators):
      oneLine("\(path): has operators that are not supported: \(operators.map(\.description).joined(separator: ", "))")
    case .node(let name, let kind, let reason): oneLine("\(path): \(kind) at \(name): \(reason)")
    case .input(let name, let reason): oneLine("\(path): input \(name): \(reason)")
    }
  }
}

/// Why a node cannot be computed; what calls for it adds the file and the node.
struct ONNXFailure: Error {
  let reason: String

  init(_ reason: String) { self.reason = reason }
}
