import SegFiles

/// An error about an ONNX file that cannot be read or run.
public struct ONNXError: Error, Sendable, CustomStringConvertible {
  /// A node whose operator is not supported.
  public struct Unsupported: Sendable, Hashable, CustomStringConvertible {
    /// The name of the node, or of its first output if the node has no name.
    public let node: String
    /// The operator type, prefixed with its domain unless that is the default domain `ai.onnx`.
    public let `operator`: String
    /// The version of the operator set that the file imports for the domain.
    public let opset: Int

    public var description: String { "\(`operator`) (opset \(opset)) at \(node)" }
  }

  /// The kinds of errors.
  public enum Cause: Sendable {
    /// The file, or an external data file, could not be read.
    case file(FileError)
    /// The contents are not a valid ONNX model.
    case malformed(reason: String)
    /// The file has nodes whose operators are not supported. All such nodes are listed.
    case unsupportedOperators([Unsupported])
    /// A node has attributes, element types or shapes that are invalid or not supported.
    case node(name: String, operator: String, reason: String)
    /// The network does not have a single image as its input and an output that is a map of the image.
    case segmentation(reason: String)
    /// The shape given for an input contradicts the file, or is missing.
    case input(name: String, reason: String)
  }

  /// The path of the file.
  public let path: String
  /// The cause of the error.
  public let cause: Cause

  init(_ path: String, _ cause: Cause) {
    self.path = path
    self.cause = cause
  }

  /// One line that names the file and the cause.
  public var description: String {
    switch cause {
    case .file(let error): error.description
    case .malformed: oneLine("\(path): is no valid ONNX model: \(reason)")
    case .segmentation: oneLine("\(path): is not an image segmentation network: \(reason)")
    case .unsupportedOperators, .node, .input: oneLine("\(path): \(reason)")
    }
  }

  /// One line that names the cause without the file.
  package var reason: String {
    switch cause {
    case .file(let error): oneLine(error.reason)
    case .malformed(let reason), .segmentation(let reason): oneLine(reason)
    case .unsupportedOperators(let operators):
      oneLine("has operators that are not supported: \(operators.map(\.description).joined(separator: ", "))")
    case .node(let name, let kind, let reason): oneLine("\(kind) at \(name): \(reason)")
    case .input(let name, let reason): oneLine("input \(name): \(reason)")
    }
  }
}

/// The reason why a node cannot be evaluated. The caller adds the file and the node (``ONNXError``).
struct ONNXFailure: Error {
  /// What a node that cannot be imported waits for.
  enum Wait {
    /// Its inputs with these names have to be known.
    case values([String])
    /// It has to be evaluated, because the shapes of its results depend on its inputs' elements.
    case evaluation
  }

  let reason: String
  /// What the node waits for, if it can be imported or evaluated while the network runs.
  let wait: Wait?

  init(_ reason: String, waitingFor wait: Wait? = nil) {
    self.reason = reason
    self.wait = wait
  }
}
