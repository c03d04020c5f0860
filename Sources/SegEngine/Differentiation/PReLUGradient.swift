/// The gradient of PReLU with respect to its input: dy where x is positive, else slope · dy.
///
/// Inputs: dy and x `[…, channels]`, slope `[1]` or `[channels]`. Output: the shape of x.
package struct PReLUGradient: Operator {
  package static let name = "PReLUGradient"

  package init() {}

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 3...3)
    try requireFloat(inputs[0])
    try require(inputs[0] == inputs[1], "the gradient \(inputs[0]) does not fit \(inputs[1])")
    return [try PReLU().outputs(for: [inputs[1], inputs[2]])[0]]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 2 * outputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package func overwritableInputs(of count: Int) -> [Int] { [0, 1] }
  package var takesRowStrides: Bool { true }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let step = context.inputs[2].shape == [1] ? 0 : 1
    return PreparedOperator { context in
      let (dy, x, dx, slope) = (context.input(0), context.input(1), context.output(), context.input(2).floats)
      let channels = x.shape.channels
      context.workers.forEachRange(x.shape.rows, grain: max(1, 8192 / max(1, channels))) { rows, _ in
        for row in rows {
          let (g, x, result) = (
            dy.floats + row * dy.rowStride, x.floats + row * x.rowStride, dx.floats + row * dx.rowStride
          )
          for c in 0..<channels { result[c] = x[c] > 0 ? g[c] : slope[c * step] * g[c] }
        }
      }
    }
  }
}
