/// Group normalisation: each group of channels of an image is normalised by its mean and variance over all pixels:
/// (x − mean) / √(variance + epsilon) · weight + bias (Wu and He 2018).
///
/// Inputs: x `[batch, …, channels]`, and optionally weight and bias `[channels]`. Output: the shape of x. Mean and variance are those of
/// the population, in two passes; the second corrects the rounding of the mean. Tested to 1e-5 for groups of deviation 1, and to ten times
/// that only where the mean is some hundred deviations.
public struct GroupNorm: Operator {
  public static let name = "GroupNorm"

  /// The number of groups of channels.
  public let groups: Int
  /// The number added to the variance.
  public let epsilon: Float

  /// Makes the operator.
  ///
  /// - Precondition: `groups` is positive.
  public init(groups: Int, epsilon: Float = 1e-5) {
    precondition(groups > 0, "groups are positive: \(groups)")
    self.groups = groups
    self.epsilon = epsilon
  }

  public var attributes: String { "\(groups) groups" }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    let outputs = try requireNormalization(inputs, minimumRank: 2)
    try require(
      inputs[0].shape.channels % groups == 0, "the channels of \(inputs[0].shape) do not divide into \(groups) groups")
    return outputs
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost { normalizationCost(inputs, outputs) }

  public func overwritableInputs(of count: Int) -> [Int] { [0] }
  public var takesRowStrides: Bool { true }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    GroupStatistics(context.inputs[0].shape, groups: groups, epsilon: epsilon).prepared(context)
  }
}

extension Value {
  /// Applies group normalisation with the parameters `name.weight` and `name.bias`.
  public func groupNorm(
    _ name: String, groups: Int, epsilon: Float = 1e-5, file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(
      GroupNorm(groups: groups, epsilon: epsilon), named: name, with: normalizationParameters(name, file, line),
      file: file,
      line: line)
  }

  /// Normalises each channel of each image; with `affine`, with the parameters `name.weight` and `name.bias`.
  public func instanceNorm(
    _ name: String, affine: Bool = false, epsilon: Float = 1e-5, file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(
      InstanceNorm(epsilon: epsilon), named: name, with: affine ? normalizationParameters(name, file, line) : [],
      file: file,
      line: line)
  }
}

extension GroupNorm {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    .everything(of: inputs[index])
  }
}

extension GroupNorm: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    let results = context.graph.add(
      GroupNormGradient(groups: groups, epsilon: epsilon), named: "gradients",
      to: [context.outputGradient] + context.inputs, outputCount: context.inputs.count)
    return zip(results, context.requiresGradient).map { $1 ? $0 : nil }
  }
}
