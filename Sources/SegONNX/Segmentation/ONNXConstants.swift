import SegEngine

/// The constants of a graph by name: initialisers, Constant nodes, and the results of casting, dequantising or
/// reshaping one. For such a result, the constant before that operation is returned.
struct ONNXConstants {
  private let graph: ONNXGraph
  private let producers: [String: ONNXNode]

  init(_ graph: ONNXGraph) {
    self.graph = graph
    producers = Dictionary(
      graph.nodes.flatMap { node in node.outputs.map { ($0, node) } }, uniquingKeysWith: { first, _ in first })
  }

  /// The constant with the name; `nil` if the value is not constant.
  subscript(name: String) -> ONNXConstant? { value(of: name, within: 8) }

  /// Returns the constant that is reached in at most `steps` nodes. The bound makes the search end in malformed graphs
  /// with a cycle.
  private func value(of name: String, within steps: Int) -> ONNXConstant? {
    if let value = graph.initializers[name] { return value }
    guard steps > 0, let node = producers[name] else { return nil }
    switch node.kind {
    case "Constant":
      if let tensor = try? node.attributes.tensor("value") { return tensor }
      return (try? node.attributes.float("value_float")).map { ONNXConstant(.float, [], floats: [$0]) }
    case "DequantizeLinear", "Cast", "Identity", "Unsqueeze", "Reshape":
      return node.inputs.first.flatMap { value(of: $0, within: steps - 1) }
    default: return nil
    }
  }
}
