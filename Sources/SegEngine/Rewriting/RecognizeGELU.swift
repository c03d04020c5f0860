/// Replaces x · (1 + erf(x / √2)) / 2, as exporters spell GELU out, by the function, which an operator can apply to its own output.
struct RecognizeGELU: NodeRewrite {
  func rewrite(_ node: Graph.NodeID, in editor: inout GraphEditor) {
    if let x = gelu(node, editor) { editor.replace(node, by: Elementwise(.gelu), on: [x]) }
  }

  /// The x of which a node is GELU.
  private func gelu(_ node: Graph.NodeID, _ editor: GraphEditor) -> Graph.ValueID? {
    var factors: [Graph.ValueID] = []
    var factor: Float = 1
    // The factors of the product, through those products that nothing else reads.
    func collect(_ node: Graph.NodeID) -> Bool {
      guard let (a, b) = editor.operands(of: node, .multiply) else { return false }
      for operand in [a, b] {
        if let number = editor.number(operand) {
          factor *= number
        } else if let inner = editor.soleProducer(of: operand), editor.operands(of: inner, .multiply) != nil {
          guard collect(inner) else { return false }
        } else {
          factors.append(operand)
        }
      }
      return factors.count <= 2
    }
    guard collect(node), factors.count == 2, factor == 0.5 else { return nil }
    for (x, sum) in [(factors[0], factors[1]), (factors[1], factors[0])] {
      guard let (error, one) = editor.operandAndNumber(of: editor.soleProducer(of: sum), .add), one == 1,
        let function = editor.soleProducer(of: error), let pointwise = editor[function].operator as? any Pointwise,
        pointwise.function == .erf
      else { continue }
      let (argument, scale) = editor.withoutFactor(editor[function].inputs[0])
      if argument == x, abs(scale - Float(0.5).squareRoot()) < 1e-6 { return x }
    }
    return nil
  }
}
