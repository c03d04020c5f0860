/// A step of an optimiser for one tensor of weights.
///
/// Inputs: the weights, their gradient and the optimiser's states, all of one shape; then numbers `[1]`, such as the rate. Outputs: the new
/// weights and the new states, in the memory of the old ones where these are variables that nothing else reads.
package protocol WeightUpdate: Operator {
  /// The number of states.
  static var stateCount: Int { get }
  /// The number of numbers: without a scale of the gradient and with it.
  static var numberCounts: ClosedRange<Int> { get }
}

extension WeightUpdate {
  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    let tensors = 2 + Self.stateCount
    try requireInputs(inputs, tensors + Self.numberCounts.lowerBound...tensors + Self.numberCounts.upperBound)
    try requireFloat(inputs[0])
    for input in inputs[1..<tensors] {
      try require(input == inputs[0], "the update of weights \(inputs[0]) does not take \(input)")
    }
    for input in inputs[tensors...] { try require(input == TensorSpec([1]), "takes one number, not \(input)") }
    return [inputs[0]] + inputs[2..<tensors]
  }

  /// Returns the weights for the new weights, and each state for the new one: the gradient stands between them.
  package func overwritableInputs(ofOutput output: Int, of count: Int) -> [Int] { [output == 0 ? 0 : output + 1] }
}
