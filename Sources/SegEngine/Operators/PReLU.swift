/// x where positive, else slope · x, with a learned slope (He et al. 2015).
///
/// Inputs: x `[…, channels]`, slope `[1]` or `[channels]`. Output: the shape of x. Exact to one rounding.
public struct PReLU: Operator {
  public static let name = "PReLU"

  /// Makes the operator.
  public init() {}

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 2...2)
    for input in inputs { try requireFloat(input) }
    let (x, slope) = (inputs[0].shape, inputs[1].shape)
    try require(
      slope == [1] || slope == [x.channels], "the slope is [1] or [\(x.channels)] for \(x), not \(slope)")
    return [inputs[0]]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(
      otherOperations: 2 * outputs[0].shape.elementCount, parameters: inputs[1].shape.elementCount, reading: inputs,
      writing: outputs)
  }

  public func overwritableInputs(of count: Int) -> [Int] { [0] }
  public var takesRowStrides: Bool { true }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let channels = context.inputs[0].shape.channels
    let isOne = context.inputs[1].shape == [1]
    return PreparedOperator(workspaceByteCount: isOne ? ElementType.float32.byteCount(of: channels) : 0) { context in
      let (x, y) = (context.input(0), context.output())
      var slope = context.input(1).floats
      if isOne {
        context.scratch.update(repeating: slope[0], count: channels)
        slope = UnsafePointer(context.scratch)
      }
      let slopes = slope
      context.workers.forEachRange(x.shape.rows, grain: max(1, 16384 / max(1, channels))) { rows, _ in
        context.kernels.prelu(
          x.floats + rows.lowerBound * x.rowStride, xStride: x.rowStride, slope: slopes,
          y.floats + rows.lowerBound * y.rowStride, yStride: y.rowStride, rows: rows.count, channels: channels)
      }
    }
  }
}

extension Value {
  /// Applies PReLU with the slope `name.weight`, a single one or one per channel, initially 1/4.
  public func prelu(
    _ name: String, perChannel: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    let slope = graph.scope(name) {
      graph.parameter("weight", [perChannel ? channels : 1], initializer: .constant(0.25), file: file, line: line)
    }
    return apply(PReLU(), named: name, with: [slope], file: file, line: line)
  }
}

extension PReLU: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    let (x, slope) = (inputs[0].properties, inputs[1].properties.range)
    let below = ValueRange(min(x.range.lowest, 0), min(x.range.highest, 0)) * slope
    let above = ValueRange(max(x.range.lowest, 0), max(x.range.highest, 0))
    return [x.with(range: below.hull(above))]
  }
}

extension PReLU: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    let (x, slope, dy) = (context.inputs[0], context.inputs[1], context.outputGradient)
    let negative = x.combine(.minimum, context.graph.constant(Tensor([1], [Float(0)])), named: "negative")
    return [
      context.requiresGradient[0] ? dy.apply(PReLUGradient(), named: "input", with: [x, slope]) : nil,
      context.requiresGradient[1]
        ? dy.combine(.multiply, negative, named: "slope").summedOverRows(named: "slope").summed(to: slope.shape) : nil,
    ]
  }
}
