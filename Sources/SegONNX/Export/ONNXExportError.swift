import SegEngine
import SegFiles

/// An error about a graph that cannot be written as an ONNX file.
public enum ONNXExportError: Error, Sendable, CustomStringConvertible {
  /// A node's operator has no equivalent in ONNX, or not with its attributes and operands.
  case node(name: String, operator: String, reason: String)
  /// The graph has variables. The values of an ONNX file are not kept between runs.
  case variables(names: [String])
  /// Two of the graph's inputs, outputs and parameters have the same name, which is that of one tensor in an ONNX file.
  case duplicateName(String)
  /// The weights are not those of the graph.
  case parameters(ParameterError)
  /// The file cannot be written.
  case file(FileError)

  /// The error on one line.
  public var description: String {
    switch self {
    case .node(let name, let type, let reason):
      oneLine("\(type) at \(name) cannot be written to an ONNX file: \(reason)")
    case .variables(let names):
      oneLine("a graph with variables (\(names.joined(separator: ", "))) cannot be written to an ONNX file")
    case .duplicateName(let name):
      oneLine("\(name) is the name of two inputs, outputs or parameters, but of one tensor in an ONNX file")
    case .parameters(let error): oneLine("\(error)")
    case .file(let error): error.description
    }
  }
}

/// The reason why an operator cannot be written. ``ONNXExporter`` adds the node.
struct ONNXExportFailure: Error {
  let reason: String
  /// Whether the operator can be written if the size of the batch is fixed.
  var needsFixedBatch = false

  init(_ reason: String) { self.reason = reason }

  /// The failure of an operator whose shapes depend on the batch in a way that is not written.
  static var batch: ONNXExportFailure {
    var failure = ONNXExportFailure("its shapes depend on the size of the batch")
    failure.needsFixedBatch = true
    return failure
  }
}
