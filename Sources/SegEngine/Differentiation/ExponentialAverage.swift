/// A step of an exponential moving average: y = decay · average + share · value.
///
/// Inputs: average and value, of one shape. Output: the same shape, in the memory of the average where nothing else reads it.
package struct ExponentialAverage: Operator {
  package static let name = "ExponentialAverage"

  package let decay: Double
  package let share: Double

  package init(decay: Double, share: Double) {
    self.decay = decay
    self.share = share
  }

  package var attributes: String { "\(decay)" }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 2...2)
    try requireFloat(inputs[0])
    try require(inputs[0] == inputs[1], "the average of \(inputs[0]) does not take \(inputs[1])")
    return [inputs[0]]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 3 * outputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package func overwritableInputs(of count: Int) -> [Int] { [0] }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (decay, share) = (Float(decay), Float(share))
    return PreparedOperator { context in
      let (average, value, y) = (context.input(0).floats, context.input(1).floats, context.output().floats)
      context.workers.forEachRange(context.output().shape.elementCount, grain: 16384) { range, _ in
        for index in range { y[index] = decay * average[index] + share * value[index] }
      }
    }
  }
}
