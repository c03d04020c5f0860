/// Takes x · (1 + erf(x / √2)) / 2, as exporters spell GELU out, for the function that it is, which an operator can apply to its
/// own output.
struct RecognizeGELU: GraphPass {
  func apply(to graph: inout Graph) {
    let reader = PatternReader(graph)
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      guard let x = gelu(node, reader) else { continue }
      graph.nodes[index].operator = Elementwise(.gelu)
      graph.nodes[index].inputs = [x]
    }
    RemoveUnusedNodes().apply(to: &graph)
  }

  /// The x of which a node is GELU.
  private func gelu(_ node: Graph.Node, _ reader: PatternReader) -> Graph.ValueID? {
    var factors: [Graph.ValueID] = []
    var factor: Float = 1
    // The factors of the product, through those products that nobody else reads.
    func collect(_ node: Graph.Node) -> Bool {
      guard let (a, b) = reader.operands(of: node, .multiply) else { return false }
      for operand in [a, b] {
        if let number = reader.graph.number(operand) {
          factor *= number
        } else if let inner = reader.onlyFor(operand), reader.operands(of: inner, .multiply) != nil {
          guard collect(inner) else { return false }
        } else {
          factors.append(operand)
        }
      }
      return factors.count <= 2
    }
    guard collect(node), factors.count == 2, factor == 0.5 else { return nil }
    for (x, sum) in [(factors[0], factors[1]), (factors[1], factors[0])] {
      guard let (error, one) = reader.operandAndNumber(of: reader.onlyFor(sum), .add), one == 1,
        let function = reader.onlyFor(error), let pointwise = function.operator as? any Pointwise,
        pointwise.function == .erf
      else { continue }
      let (argument, scale) = reader.withoutFactor(function.inputs[0])
      if argument == x, abs(scale - Float(0.5).squareRoot()) < 1e-6 { return x }
    }
    return nil
  }
}
