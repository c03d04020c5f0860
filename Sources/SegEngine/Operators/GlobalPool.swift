/// Global pooling: the mean, or the maximum, over all pixels of each channel.
///
/// Input: x `[batch, height, width, channels]`. Output: `[batch, 1, 1, channels]`. The mean is tested to 2e-6 of the mean of |x|, the
/// maximum is exact.
public struct GlobalPool: Operator {
  public static let name = "GlobalPool"

  /// The reduction over the pixels.
  public enum Operation: String, Hashable, Sendable {
    case average, maximum
  }

  /// The reduction over the pixels.
  public let operation: Operation

  /// Makes the operator.
  public init(_ operation: Operation) { self.operation = operation }

  public var latencyKind: String { "\(Self.name) \(operation.rawValue)" }

  public var attributes: String { operation.rawValue }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    try requireFeatureMap(inputs[0])
    let x = inputs[0].shape
    try require(x.height > 0 && x.width > 0, "there are no pixels in \(x)")
    return [TensorSpec([x.batch, 1, 1, x.channels])]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    reduce.cost(inputs: inputs, outputs: outputs)
  }

  public var takesRowStrides: Bool { true }

  private var reduce: Reduce { Reduce(operation == .average ? .mean : .maximum, axes: [1, 2]) }

  public func prepare(_ context: PreparationContext) -> PreparedOperator { reduce.prepare(context) }
}

extension Value {
  /// Computes the mean over all pixels of each channel, `[batch, 1, 1, channels]`.
  public func globalAveragePool(
    named name: String = "globalAveragePool", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(GlobalPool(.average), named: name, file: file, line: line)
  }

  /// Computes the maximum over all pixels of each channel, `[batch, 1, 1, channels]`.
  public func globalMaxPool(
    named name: String = "globalMaxPool", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(GlobalPool(.maximum), named: name, file: file, line: line)
  }
}

extension GlobalPool {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    .everything(of: inputs[0])
  }
}

extension GlobalPool: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] { reduce.gradients(context) }
}
