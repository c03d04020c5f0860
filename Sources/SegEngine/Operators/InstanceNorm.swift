/// Instance normalisation: each channel of an image is normalised by its mean and variance over all pixels (Ulyanov et al. 2016).
///
/// Inputs: x `[batch, …, channels]`, and optionally weight and bias `[channels]`. Output: the shape of x. It is a ``GroupNorm`` with one
/// group per channel, tested to the same tolerance.
public struct InstanceNorm: Operator {
  public static let name = "InstanceNorm"

  /// The number added to the variance.
  public let epsilon: Float

  /// Makes the operator.
  public init(epsilon: Float = 1e-5) { self.epsilon = epsilon }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireNormalization(inputs, minimumRank: 2)
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost { normalizationCost(inputs, outputs) }

  public func overwritableInputs(of count: Int) -> [Int] { [0] }
  public var takesRowStrides: Bool { true }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let x = context.inputs[0].shape
    return GroupStatistics(x, groups: max(1, x.channels), epsilon: epsilon).prepared(context)
  }
}

extension InstanceNorm {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    .everything(of: inputs[index])
  }
}

extension InstanceNorm: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    let results = context.graph.add(
      GroupNormGradient(groups: context.inputs[0].channels, epsilon: epsilon), named: "gradients",
      to: [context.outputGradient] + context.inputs, outputCount: context.inputs.count)
    return zip(results, context.requiresGradient).map { $1 ? $0 : nil }
  }
}
