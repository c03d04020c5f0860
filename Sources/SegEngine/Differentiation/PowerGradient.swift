#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The gradient of a power pᑫ with respect to p, dy · q · pᑫ⁻¹, or to q, dy · pᑫ · log p.
///
/// Inputs: dy, p and q; p and q broadcast to the shape of dy. Output: the shape of dy. As in PyTorch, the gradient of p is 0 where q is 0, and
/// that of q is 0 where p is 0 and q is not negative.
package struct PowerGradient: BroadcastGradient {
  package static let name = "PowerGradient"

  /// Whether the gradient is that of the base, or of the exponent.
  package let ofBase: Bool

  package init(ofBase: Bool) { self.ofBase = ofBase }

  package var attributes: String { ofBase ? "base" : "exponent" }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 4 * outputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let ofBase = ofBase
    return prepared(context) { dy, p, q in
      let (base, exponent) = (Double(p), Double(q))
      let derivative: Double =
        ofBase
        ? (exponent == 0 ? 0 : exponent * pow(base, exponent - 1))
        : (base == 0 && exponent >= 0 ? 0 : pow(base, exponent) * log(base))
      return Float(Double(dy) * derivative)
    }
  }
}
