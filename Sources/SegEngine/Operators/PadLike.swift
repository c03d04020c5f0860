/// Zero padding of a feature map to the height and width of another.
///
/// Inputs: x `[batch, height, width, channels]`; other: a feature map that is no smaller, of which only the shape is used. Output:
/// `[batch, other height, other width, channels]`, with x in the middle; an odd difference puts one row or column more at the bottom or
/// right. Exact.
public struct PadLike: Operator {
  public static let name = "PadLike"

  /// Makes the operator.
  public init() {}

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 2...2)
    let (x, other) = (inputs[0].shape, inputs[1].shape)
    try require(
      x.rank == 4 && other.rank == 4 && other.height >= x.height && other.width >= x.width,
      "\(x) cannot be padded to the height and width of \(other)")
    return [TensorSpec([x.batch, other.height, other.width, x.channels], inputs[0].elementType)]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(reading: [inputs[0]], writing: outputs)
  }

  public var takesRowStrides: Bool { true }

  public func forwardedInput(inputs: [TensorSpec], outputs: [TensorSpec]) -> Int? {
    inputs[0] == outputs[0] ? 0 : nil
  }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    Pad(amounts(context.inputs[0], context.outputs[0])).prepare(
      PreparationContext(
        inputs: [context.inputs[0]], outputs: context.outputs, constants: [context.constants[0]],
        backend: context.backend))
  }

  private func amounts(_ input: TensorSpec, _ output: TensorSpec) -> [Pad.Amount] {
    [1, 2].map { axis in
      let rest = output.shape[axis] - input.shape[axis]
      return Pad.Amount(axis: axis, before: rest / 2, after: rest - rest / 2)
    }
  }
}

extension PadLike: ZeroPadding {
  public func zeroPadding(inputs: [TensorSpec], outputs: [TensorSpec]) -> Padding2D? {
    Pad(amounts(inputs[0], outputs[0])).zeroPadding(inputs: [inputs[0]], outputs: outputs)
  }
}

extension Value {
  /// Pads this feature map on all sides with zeros to the height and width of `other`.
  public func pad(
    like other: Value, named name: String = "pad", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(PadLike(), named: name, with: [other], file: file, line: line)
  }
}

extension PadLike {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    guard index == 0 else { return .none }
    let before = amounts(inputs[0], outputs[0]).map(\.before)
    return .axes(
      height: .shifted(by: -before[0], of: inputs[0].shape.height),
      width: .shifted(by: -before[1], of: inputs[0].shape.width))
  }
}

extension PadLike: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    let (x, y) = (context.inputs[0], context.outputs[0])
    let pad = amounts(TensorSpec(x.shape), TensorSpec(y.shape))
    return context.only(
      context.outputGradient.apply(
        Pad(pad.map { .init(axis: $0.axis, before: -$0.before, after: -$0.after) }), named: "input"))
  }
}
