#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The gradient of a power pᑫ with respect to p, dy · q · pᑫ⁻¹, or to q, dy · pᑫ · log p.
///
/// Inputs: dy, p and q; p and q broadcast to the shape of dy. Output: the shape of dy. As in PyTorch, the gradient of p is 0 where q is 0, and
/// that of q is 0 where p is 0 and q is not negative.
package struct PowerGradient: Operator {
  package static let name = "PowerGradient"

  /// Whether the gradient is that of the base, or of the exponent.
  package let ofBase: Bool

  package init(ofBase: Bool) { self.ofBase = ofBase }

  package var attributes: String { ofBase ? "base" : "exponent" }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 3...3)
    for input in inputs { try requireFloat(input) }
    try require(
      inputs[1].shape.broadcast(with: inputs[2].shape) == inputs[0].shape,
      "\(inputs[1]) and \(inputs[2]) do not broadcast to the gradient \(inputs[0])")
    return [inputs[0]]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 4 * outputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package var takesRowStrides: Bool { true }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let shape = context.outputs[0].shape
    let (p, q) = (BroadcastRows(context.inputs[1].shape, to: shape), BroadcastRows(context.inputs[2].shape, to: shape))
    let ofBase = ofBase
    return PreparedOperator { context in
      let (dy, dx) = (context.input(0), context.output())
      let (left, right) = (context.input(1), context.input(2))
      let channels = shape.channels
      context.workers.forEachRange(shape.rows, grain: max(1, 1024 / max(1, channels))) { rows, _ in
        for row in rows {
          let (a, b) = (left.floats + p.row(row) * left.rowStride, right.floats + q.row(row) * right.rowStride)
          let (source, target) = (dy.floats + row * dy.rowStride, dx.floats + row * dx.rowStride)
          for c in 0..<channels {
            let (base, exponent) = (Double(a[c * p.step]), Double(b[c * q.step]))
            let derivative: Double =
              ofBase
              ? (exponent == 0 ? 0 : exponent * pow(base, exponent - 1))
              : (base == 0 && exponent >= 0 ? 0 : pow(base, exponent) * log(base))
            target[c] = Float(Double(source[c]) * derivative)
          }
        }
      }
    }
  }
}
