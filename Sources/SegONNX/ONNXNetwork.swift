import SegEngine

/// A network from an ONNX file that runs on named tensors.
///
/// In some networks the shapes of values depend on the elements of others: a size that is an input, indices of what was
/// found, a loop that ends on a condition. They are no single ``SegEngine/Graph``. A network of this type runs in stages:
/// what can be compiled is compiled and runs on the engine, what has to be evaluated is evaluated between two such parts,
/// and what follows is compiled for the values that then are known. Compiled stages are kept, so that runs on the same
/// shapes and, where shapes depend on them, the same values compile nothing. A file that needs no stages has one, which is
/// the graph of ``ONNXModel/graph(inputs:channelsLast:)``.
public final class ONNXNetwork: Sendable {
  /// The file.
  public let file: ONNXModel
  private let stage: ONNXStage

  /// Creates a network.
  ///
  /// - Parameters:
  ///   - file: The file.
  ///   - backend: The backend that runs the network.
  ///   - options: The options of compilation.
  ///   - capacity: The number of variants, for different shapes or values, that are kept of each stage.
  /// - Throws: ``ONNXError`` if operators are not supported.
  public init(
    _ file: ONNXModel, on backend: any Backend = OpenBLASBackend(), options: CompileOptions = .init(),
    keeping capacity: Int = 4
  ) throws(ONNXError) {
    let unsupported = file.unsupportedOperators
    guard unsupported.isEmpty else { throw ONNXError(file.path, .unsupportedOperators(unsupported)) }
    self.file = file
    let graph = file.graph
    stage = ONNXStage(
      .init(
        path: file.path, name: graph.name.isEmpty ? "ONNX" : graph.name, backend: backend, options: options,
        capacity: max(1, capacity), unread: graph.unread), nodes: graph.nodes, constants: graph.initializers,
      outputs: file.outputs)
  }

  /// Runs the network on tensors by name and returns its outputs by name.
  ///
  /// - Parameter inputs: The inputs with the file's axis order. An output that is a sequence of tensors is returned as
  ///   `name[0]`, `name[1]` and so on.
  /// - Throws: ``ONNXError`` if an input is missing or contradicts the file, or a node does not fit its operands;
  ///   `GraphError` if a node is not defined for its operands' values.
  public func run(_ inputs: [String: Tensor]) throws -> [String: Tensor] {
    try run(inputs) { _ in }
  }

  /// Runs the network as ``run(_:)`` does. `willRun` is called before a compiled graph runs.
  package func run(
    _ inputs: [String: Tensor], willRun: (CompiledModel) throws -> Void
  ) throws -> [String: Tensor] {
    let ports = file.dataInputs
    for name in inputs.keys.sorted() where !ports.contains(where: { $0.name == name }) {
      throw ONNXError(
        file.path, .input(name: name, reason: "there is none; there are \(ports.map(\.name).joined(separator: ", "))"))
    }
    var values: [String: ONNXRunValue] = [:]
    for port in ports {
      guard let tensor = inputs[port.name] else {
        throw ONNXError(file.path, .input(name: port.name, reason: "is missing"))
      }
      _ = try file.shape(of: port, given: tensor.shape)
      guard let type = port.type else {
        throw ONNXError(file.path, .input(name: port.name, reason: "is of a type that is not read"))
      }
      guard tensor.elementType == type.elementType else {
        throw ONNXError(
          file.path, .input(name: port.name, reason: "is \(type.elementType) in the file, not \(tensor.elementType)"))
      }
      values[port.name] = .tensor(ONNXConstant(type, tensor))
    }
    let results = try stage.run(values, willRun: willRun)
    return Dictionary(
      results.flatMap { $1.tensors(named: $0) }.map { ($0.name, $0.tensor.tensor) },
      uniquingKeysWith: { first, _ in first })
  }
}
