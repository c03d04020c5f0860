/// Layer normalisation: each row (pixel, token) is normalised by its own mean and variance over the innermost axis:
/// (x − mean) / √(variance + epsilon) · weight + bias (Ba et al. 2016).
///
/// Inputs: x `[…, channels]`, and optionally weight and bias `[channels]`. Output: the shape of x. The variance is that of the population.
/// Tested to 1e-5 for rows of mean 0 and variance 1 or more; a mean of 10ᵏ deviations loses k digits.
public struct LayerNorm: Operator {
  public static let name = "LayerNorm"

  /// The number added to the variance.
  public let epsilon: Float

  /// Makes the operator.
  public init(epsilon: Float = 1e-5) { self.epsilon = epsilon }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireNormalization(inputs, minimumRank: 1)
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    normalizationCost(inputs, outputs)
  }

  public func overwritableInputs(of count: Int) -> [Int] { [0] }
  public var takesRowStrides: Bool { true }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let epsilon = epsilon
    return PreparedOperator { context in
      let (x, y) = (context.input(0), context.output())
      let channels = x.shape.channels
      let scale = context.inputCount > 1 ? context.input(1).floats : nil
      let shift = context.inputCount > 2 ? context.input(2).floats : nil
      context.workers.forEachRange(x.shape.rows, grain: max(1, 4096 / max(1, channels))) { rows, _ in
        context.kernels.layerNorm(
          x.floats + rows.lowerBound * x.rowStride, xStride: x.rowStride, scale: scale, shift: shift, epsilon: epsilon,
          y.floats + rows.lowerBound * y.rowStride, yStride: y.rowStride, rows: rows.count, channels: channels)
      }
    }
  }
}

extension Operator {
  /// Checks the operands of a normalisation: x, and optionally a weight and a bias per channel.
  func requireNormalization(_ inputs: [TensorSpec], minimumRank: Int) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...3)
    for input in inputs { try requireFloat(input) }
    let x = inputs[0].shape
    try require(x.rank >= minimumRank, "takes \(minimumRank) axes or more, not \(x)")
    for input in inputs.dropFirst() {
      try require(
        input.shape == [x.channels], "weight and bias are [\(x.channels)] for \(x), not \(input.shape)")
    }
    return [inputs[0]]
  }

  /// Computes the cost. An element takes two operations for the mean and the difference, two for the variance, one for the division, and
  /// two for weight and bias if given.
  func normalizationCost(_ inputs: [TensorSpec], _ outputs: [TensorSpec]) -> Cost {
    Cost(
      otherOperations: (4 + inputs.count) * outputs[0].shape.elementCount,
      parameters: inputs.dropFirst().reduce(0) { $0 + $1.shape.elementCount }, reading: inputs, writing: outputs)
  }
}

extension Value {
  /// Applies layer normalisation with the parameters `name.weight` and `name.bias`.
  public func layerNorm(
    _ name: String, epsilon: Float = 1e-5, file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(
      LayerNorm(epsilon: epsilon), named: name, with: normalizationParameters(name, file, line), file: file, line: line)
  }

  /// Adds the parameters `name.weight`, initially ones, and `name.bias`, initially zeros.
  func normalizationParameters(_ name: String, _ file: StaticString, _ line: UInt) -> [Value] {
    graph.scope(name) {
      [
        graph.parameter("weight", [channels], initializer: .constant(1), file: file, line: line),
        graph.parameter("bias", [channels], initializer: .constant(0), file: file, line: line),
      ]
    }
  }
}

extension LayerNorm: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    let results = context.graph.add(
      LayerNormGradient(epsilon: epsilon), named: "gradients", to: [context.outputGradient] + context.inputs,
      outputCount: context.inputs.count)
    return zip(results, context.requiresGradient).map { $1 ? $0 : nil }
  }
}
