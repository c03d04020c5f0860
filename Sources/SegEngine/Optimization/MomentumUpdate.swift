/// A step of gradient descent with momentum (Polyak 1964), as PyTorch's `SGD`: d = scale · g + decay · w, m′ = momentum · m + d,
/// w′ = w − rate · m′, or with Nesterov's momentum w′ = w − rate · (d + momentum · m′).
///
/// Inputs: the weights w, their gradient g and the momentum m, of one shape; the rate `[1]`; optionally a scale of the gradient `[1]`.
/// Outputs: w′ and m′, in the memory of w and m where these are variables that nothing else reads.
package struct MomentumUpdate: WeightUpdate {
  package static let name = "MomentumUpdate"
  package static let stateCount = 1
  package static let numberCounts = 1...2

  package let momentum: Double
  package let decay: Double
  package let isNesterov: Bool

  package init(momentum: Double, decay: Double, nesterov isNesterov: Bool) {
    self.momentum = momentum
    self.decay = decay
    self.isNesterov = isNesterov
  }

  package var attributes: String {
    "momentum \(momentum)" + (decay == 0 ? "" : " decay \(decay)") + (isNesterov ? " Nesterov" : "")
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 6 * inputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (momentum, decay, isNesterov) = (Float(momentum), Float(decay), isNesterov)
    return PreparedOperator { context in
      let step = MomentumStep(
        rate: context.input(3).floats[0], momentum: momentum, decay: decay,
        scale: context.inputCount > 4 ? context.input(4).floats[0] : 1, isNesterov: isNesterov)
      let (w, g, m) = (context.input(0).floats, context.input(1).floats, context.input(2).floats)
      let (newW, newM) = (context.output(0).floats, context.output(1).floats)
      context.workers.forEachRange(context.input(0).shape.elementCount, grain: 16384) { range, _ in
        let first = range.lowerBound
        context.kernels.momentumStep(
          step, weights: w + first, gradient: g + first, momentum: m + first, newWeights: newW + first,
          newMomentum: newM + first, count: range.count)
      }
    }
  }
}
