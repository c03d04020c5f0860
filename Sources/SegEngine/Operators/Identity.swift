/// The identity: the output equals the input.
public struct Identity: Operator {
  public static let name = "Identity"

  /// Makes the operator.
  public init() {}

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    return inputs
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost { Cost() }

  public func forwardedInput(inputs: [TensorSpec], outputs: [TensorSpec]) -> Int? { 0 }

  public func prepare(_ context: PreparationContext) -> PreparedOperator { .forwarding }
}

extension PreparedOperator {
  /// Copies input 0 to output 0. An operator that forwards its input runs it where the two cannot share memory.
  static let forwarding = PreparedOperator { context in
    let input = context.input(0)
    context.output().base.copyMemory(from: input.base, byteCount: input.spec.byteCount)
  }
}

extension Identity: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    [inputs[0].properties]
  }
}

extension Identity: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] { [context.outputGradient] }
}
