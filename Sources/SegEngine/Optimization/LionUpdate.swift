/// A step of Lion (Chen et al. 2023): with d = scale · g, w′ = (1 − rate · decay) w − rate · sign(β₁ m + (1 − β₁) d),
/// m′ = β₂ m + (1 − β₂) d.
///
/// Inputs: the weights w, their gradient g and m, of one shape; the rate `[1]`; optionally a scale of the gradient `[1]`. Outputs: w′ and m′,
/// in the memory of w and m where these are variables that nothing else reads.
package struct LionUpdate: WeightUpdate {
  package static let name = "LionUpdate"
  package static let stateCount = 1
  package static let numberCounts = 1...2

  package let beta1, beta2, decay: Double

  package init(beta1: Double, beta2: Double, decay: Double) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.decay = decay
  }

  package var attributes: String { "\(beta1) \(beta2)" + (decay == 0 ? "" : " decay \(decay)") }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 9 * inputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (beta1, beta2, decay) = (beta1, beta2, decay)
    return PreparedOperator { context in
      let rate = Double(context.input(3).floats[0])
      let step = AdamStep(
        beta1: Float(beta1), beta2: Float(beta2), complement1: Float(1 - beta1), complement2: Float(1 - beta2),
        scale: context.inputCount > 4 ? context.input(4).floats[0] : 1, kept: Float(1 - rate * decay),
        step: Float(rate))
      let (w, g, m) = (context.input(0).floats, context.input(1).floats, context.input(2).floats)
      let (newW, newM) = (context.output(0).floats, context.output(1).floats)
      context.workers.forEachRange(context.input(0).shape.elementCount, grain: 16384) { range, _ in
        let first = range.lowerBound
        context.kernels.lionStep(
          step, weights: w + first, gradient: g + first, momentum: m + first, newWeights: newW + first,
          newMomentum: newM + first, count: range.count)
      }
    }
  }
}
