/// A gradient of an operation on two tensors that broadcast to one shape, with respect to one of them: a function of the gradient and of both
/// operands at each element.
///
/// Inputs: dy and the two operands, which broadcast to the shape of dy. Output: the shape of dy.
package protocol BroadcastGradient: Operator {}

extension BroadcastGradient {
  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 3...3)
    for input in inputs { try requireFloat(input) }
    try require(
      inputs[1].shape.broadcast(with: inputs[2].shape) == inputs[0].shape,
      "\(inputs[1]) and \(inputs[2]) do not broadcast to the gradient \(inputs[0])")
    return [inputs[0]]
  }

  /// Makes the prepared operator that applies a function of dy and of the operands to each element.
  func prepared(
    _ context: PreparationContext, _ gradient: @escaping @Sendable (_ dy: Float, _ p: Float, _ q: Float) -> Float
  ) -> PreparedOperator {
    let loops = BroadcastLoops(context.inputs[1].shape, context.inputs[2].shape, to: context.outputs[0].shape)
    return PreparedOperator { context in
      // dy and dx are contiguous and of one shape, so that their elements are at the same places.
      let (dy, p, q, dx) = (context.input(0).floats, context.input(1), context.input(2), context.output())
      loops.run(p, q, dx, over: context.workers) { piece in
        for row in 0..<piece.rows {
          let (rowP, rowQ) = (p.floats + piece.p + row * piece.pRow, q.floats + piece.q + row * piece.qRow)
          let (source, target) = (dy + piece.y + row * piece.yRow, dx.floats + piece.y + row * piece.yRow)
          for c in 0..<piece.count { target[c] = gradient(source[c], rowP[c * piece.pStep], rowQ[c * piece.qStep]) }
        }
      }
    }
  }
}
