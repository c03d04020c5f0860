/// The gradient of a maximum or minimum of two tensors with respect to one of them: dy where that operand was chosen, half of it where both
/// are equal (PyTorch's rule), else 0.
///
/// Inputs: dy, the operand, and the other operand; the operands broadcast to the shape of dy. Output: the shape of dy.
package struct ChoiceGradient: Operator {
  package static let name = "ChoiceGradient"

  /// Whether the larger operand was chosen, or the smaller.
  package let ofLargest: Bool

  package init(ofLargest: Bool) { self.ofLargest = ofLargest }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 3...3)
    for input in inputs { try requireFloat(input) }
    try require(
      inputs[1].shape.broadcast(with: inputs[2].shape) == inputs[0].shape,
      "\(inputs[1]) and \(inputs[2]) do not broadcast to the gradient \(inputs[0])")
    return [inputs[0]]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 2 * outputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package var takesRowStrides: Bool { true }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    // The operands and the gradient of a row are known by their rows in the broadcast shape.
    let shape = context.outputs[0].shape
    let operands = [1, 2].map { BroadcastRows(context.inputs[$0].shape, to: shape) }
    let (p, q) = (operands[0], operands[1])
    let sign: Float = ofLargest ? 1 : -1
    return PreparedOperator { context in
      let (dy, dx) = (context.input(0), context.output())
      let (left, right) = (context.input(1), context.input(2))
      let channels = shape.channels
      context.workers.forEachRange(shape.rows, grain: max(1, 8192 / max(1, channels))) { rows, _ in
        for row in rows {
          let (a, b) = (left.floats + p.row(row) * left.rowStride, right.floats + q.row(row) * right.rowStride)
          let (source, target) = (dy.floats + row * dy.rowStride, dx.floats + row * dx.rowStride)
          for c in 0..<channels {
            let difference = sign * (a[c * p.step] - b[c * q.step])
            target[c] = difference > 0 ? source[c] : difference == 0 ? source[c] / 2 : 0
          }
        }
      }
    }
  }
}
