#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A step of AdamW (Loshchilov and Hutter 2019), as PyTorch's: with d = scale · g and t the number of steps, this one included,
/// m′ = β₁ m + (1 − β₁) d, v′ = β₂ v + (1 − β₂) d², w′ = (1 − rate · decay) w − rate · (m′ / (1 − β₁ᵗ)) / (√(v′ / (1 − β₂ᵗ)) + epsilon).
///
/// Inputs: the weights w, their gradient g, m and v, of one shape; the rate and t, `[1]` each; optionally a scale of the gradient `[1]`.
/// Outputs: w′, m′ and v′, in the memory of w, m and v where these are variables that nothing else reads.
package struct AdamUpdate: WeightUpdate {
  package static let name = "AdamUpdate"
  package static let stateCount = 2
  package static let numberCounts = 2...3

  package let beta1, beta2, epsilon, decay: Double

  package init(beta1: Double, beta2: Double, epsilon: Double, decay: Double) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.decay = decay
  }

  package var attributes: String { "\(beta1) \(beta2)" + (decay == 0 ? "" : " decay \(decay)") }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 14 * inputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (beta1, beta2, epsilon, decay) = (beta1, beta2, epsilon, decay)
    return PreparedOperator { context in
      let (rate, count) = (Double(context.input(4).floats[0]), Double(context.input(5).floats[0]))
      let step = AdamStep(
        beta1: Float(beta1), beta2: Float(beta2), complement1: Float(1 - beta1), complement2: Float(1 - beta2),
        scale: context.inputCount > 6 ? context.input(6).floats[0] : 1, kept: Float(1 - rate * decay),
        step: Float(rate / (1 - pow(beta1, count))), root: Float(1 / (1 - pow(beta2, count)).squareRoot()),
        epsilon: Float(epsilon))
      let (w, g) = (context.input(0).floats, context.input(1).floats)
      let (m, v) = (context.input(2).floats, context.input(3).floats)
      let (newW, newM, newV) = (context.output(0).floats, context.output(1).floats, context.output(2).floats)
      context.workers.forEachRange(context.input(0).shape.elementCount, grain: 16384) { range, _ in
        let first = range.lowerBound
        context.kernels.adamStep(
          step, weights: w + first, gradient: g + first, first: m + first, second: v + first, newWeights: newW + first,
          newFirst: newM + first, newSecond: newV + first, count: range.count)
      }
    }
  }
}
