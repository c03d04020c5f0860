/// What passes ask of a graph while they look for a pattern.
extension Graph {
  /// The number that a value is everywhere, where it is a constant of one element.
  func number(_ value: ValueID) -> Float? {
    guard case .constant(let tensor) = self[value].source, tensor.count == 1, tensor.elementType == .float32 else {
      return nil
    }
    return tensor.elements(of: Float.self)[0]
  }

  /// Adds a node of one output and gives its value. The caller puts the node in its place.
  mutating func makeNode(_ operator: any Operator, named name: String, _ inputs: [ValueID], _ spec: TensorSpec) -> Node
  {
    values.append(ValueInfo(source: .node, spec: spec))
    return Node(name: name, operator: `operator`, inputs: inputs, outputs: [ValueID(index: values.count - 1)])
  }
}

/// The nodes by what they compute, for following a pattern from its end to its beginning.
struct PatternReader {
  let graph: Graph
  private let producers: [Int?]
  private let useCounts: [Int]

  init(_ graph: Graph) {
    self.graph = graph
    producers = graph.producers
    useCounts = graph.useCounts
  }

  /// The node that computes a value.
  func node(_ value: Graph.ValueID) -> Graph.Node? { producers[value.index].map { graph.nodes[$0] } }

  /// The node that computes a value which nobody else reads.
  func onlyFor(_ value: Graph.ValueID) -> Graph.Node? { useCounts[value.index] == 1 ? node(value) : nil }

  /// The two operands of a node that does nothing but this operation.
  func operands(of node: Graph.Node?, _ operation: BinaryOperation) -> (Graph.ValueID, Graph.ValueID)? {
    guard let node, let arithmetic = node.operator as? any BinaryArithmetic, arithmetic.operation == operation,
      arithmetic.function == .identity
    else { return nil }
    return (node.inputs[0], node.inputs[1])
  }

  /// The operand of a node that joins it by this operation with a number, and the number.
  func operandAndNumber(of node: Graph.Node?, _ operation: BinaryOperation) -> (Graph.ValueID, Float)? {
    guard let (a, b) = operands(of: node, operation) else { return nil }
    if let number = graph.number(b) { return (a, number) }
    if operation == .add || operation == .multiply, let number = graph.number(a) { return (b, number) }
    return nil
  }

  /// A value without the factors that are numbers, as far as nobody else reads what lies between, and their product.
  func withoutFactor(_ value: Graph.ValueID) -> (value: Graph.ValueID, factor: Float) {
    var (value, factor) = (value, Float(1))
    while true {
      if let (operand, number) = operandAndNumber(of: onlyFor(value), .multiply) {
        (value, factor) = (operand, factor * number)
      } else if let (operand, number) = operandAndNumber(of: onlyFor(value), .divide), number != 0 {
        (value, factor) = (operand, factor / number)
      } else {
        return (value, factor)
      }
    }
  }

  /// The operand of a transposition of that order which nobody else reads.
  func untransposed(_ value: Graph.ValueID, _ order: [Int]) -> Graph.ValueID? {
    guard let node = onlyFor(value), let transpose = node.operator as? Transpose, transpose.permutation == order else {
      return nil
    }
    return node.inputs[0]
  }
}
