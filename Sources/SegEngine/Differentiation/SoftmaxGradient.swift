/// The gradient of a softmax along the innermost axis, from its result y: dx = y · (dy − Σ dy · y), and of its logarithm
/// dx = dy − eʸ · Σ dy.
///
/// Inputs: dy and y of one shape. Output: the same shape.
package struct SoftmaxGradient: Operator {
  package static let name = "SoftmaxGradient"

  /// Whether y is the logarithm of the softmax.
  package let ofLogarithm: Bool

  package init(ofLogarithm: Bool) { self.ofLogarithm = ofLogarithm }

  package var attributes: String { ofLogarithm ? "of the logarithm" : "" }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 2...2)
    try requireFloat(inputs[0])
    try require(inputs[0] == inputs[1], "the gradient \(inputs[0]) does not fit \(inputs[1])")
    return [inputs[0]]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 4 * outputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package func overwritableInputs(of count: Int) -> [Int] { [0, 1] }
  package var takesRowStrides: Bool { true }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let ofLogarithm = ofLogarithm
    return PreparedOperator { context in
      let (dy, y, dx) = (context.input(0), context.input(1), context.output())
      let channels = dy.shape.channels
      context.workers.forEachRange(dy.shape.rows, grain: max(1, 4096 / max(1, channels))) { rows, _ in
        context.kernels.softmaxGradient(
          ofLogarithm: ofLogarithm, dy.floats + rows.lowerBound * dy.rowStride, dyStride: dy.rowStride,
          y.floats + rows.lowerBound * y.rowStride, yStride: y.rowStride,
          dx.floats + rows.lowerBound * dx.rowStride, dxStride: dx.rowStride, rows: rows.count, channels: channels)
      }
    }
  }
}
