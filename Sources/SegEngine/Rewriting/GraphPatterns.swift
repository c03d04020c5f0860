// Pieces of patterns that several rewrites look for, followed from a pattern's end to its beginning.

extension GraphEditor {
  /// The number that a value is everywhere, where it is a constant of one element.
  func number(_ value: Graph.ValueID) -> Float? {
    guard let tensor = constant(value), tensor.count == 1, tensor.elementType == .float32 else { return nil }
    return tensor.elements(of: Float.self)[0]
  }

  /// The two operands of a node that does nothing but this operation.
  func operands(of node: Graph.NodeID?, _ operation: BinaryOperation) -> (Graph.ValueID, Graph.ValueID)? {
    guard let node, let arithmetic = self[node].operator as? any BinaryArithmetic, arithmetic.operation == operation,
      arithmetic.function == .identity
    else { return nil }
    return (self[node].inputs[0], self[node].inputs[1])
  }

  /// The operand of a node that joins it by this operation with a number, and the number.
  func operandAndNumber(of node: Graph.NodeID?, _ operation: BinaryOperation) -> (Graph.ValueID, Float)? {
    guard let (a, b) = operands(of: node, operation) else { return nil }
    if let number = number(b) { return (a, number) }
    if operation == .add || operation == .multiply, let number = number(a) { return (b, number) }
    return nil
  }

  /// A value without the factors that are numbers, as far as nothing else reads the products, and the product of the factors.
  func withoutFactor(_ value: Graph.ValueID) -> (value: Graph.ValueID, factor: Float) {
    var (value, factor) = (value, Float(1))
    while true {
      if let (operand, number) = operandAndNumber(of: soleProducer(of: value), .multiply) {
        (value, factor) = (operand, factor * number)
      } else if let (operand, number) = operandAndNumber(of: soleProducer(of: value), .divide), number != 0 {
        (value, factor) = (operand, factor / number)
      } else {
        return (value, factor)
      }
    }
  }

  /// Whether a node permutes the axes in this order.
  func permutes(_ node: Graph.NodeID, _ permutation: [Int]) -> Bool {
    (self[node].operator as? any AxisPermuting)?.permutation == permutation
  }

  /// The operand of a permutation of axes in this order whose result has one use.
  func unpermuted(_ value: Graph.ValueID, _ permutation: [Int]) -> Graph.ValueID? {
    guard let node = soleProducer(of: value), permutes(node, permutation) else { return nil }
    return self[node].inputs[0]
  }

  /// The value that a chain of operators forwards unchanged in memory (reshapes), the first of the chain.
  func unforwarded(_ value: Graph.ValueID) -> Graph.ValueID {
    var value = value
    while let node = producer(of: value), self[node].outputs.count == 1,
      let input = self[node].operator.forwardedInput(inputs: inputSpecs(of: node), outputs: outputSpecs(of: node))
    {
      value = self[node].inputs[input]
    }
    return value
  }
}
