/// Rearranges groups of channels into blocks of pixels (Shi et al. 2016).
///
/// Input: x `[batch, height, width, channels · r²]` of any type. Output: `[batch, height · r, width · r, channels]`, with
/// y[n, h·r + i, w·r + j, c] = x[n, h, w, c·r² + i·r + j]: PyTorch's order of channels. Exact.
public struct PixelShuffle: Operator {
  public static let name = "PixelShuffle"

  /// The factor by which height and width grow.
  public let factor: Int

  /// Makes the operator.
  ///
  /// - Precondition: `factor` is positive.
  public init(_ factor: Int) {
    precondition(factor > 0, "a factor is positive: \(factor)")
    self.factor = factor
  }

  public var attributes: String { "×\(factor)" }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    let x = inputs[0].shape
    let (square, overflow) = factor.multipliedReportingOverflow(by: factor)
    try require(
      x.rank == 4 && !overflow && x.channels % square == 0,
      "the channels of \(x) are no multiple of \(factor)·\(factor), to become [batch, height, width, channels / \(factor)²]"
    )
    let (height, width) = (
      x.height.multipliedReportingOverflow(by: factor), x.width.multipliedReportingOverflow(by: factor)
    )
    try require(!height.overflow && !width.overflow, "\(x) is too large for a factor of \(factor)")
    return [
      TensorSpec(
        try shape([x.batch, height.partialValue, width.partialValue, x.channels / square]), inputs[0].elementType)
    ]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost { Cost(reading: inputs, writing: outputs) }

  public var takesRowStrides: Bool { true }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let copy = StridedCopy(
      StridedCopy.shuffle(small: context.inputs[0].shape, factor).map {
        .init(extent: $0.extent, source: $0.small, target: $0.large)
      }, elementType: context.inputs[0].elementType, from: context.inputs[0].shape, to: context.outputs[0].shape)
    return PreparedOperator { copy.run($0.input(0), $0.output(), over: $0.workers) }
  }
}

extension StridedCopy {
  /// Makes the loops over `[batch · height, i, width, j, channels]`, with their strides in the map of fewer pixels (more channels) and in
  /// the map of more pixels (fewer channels).
  static func shuffle(
    small: Shape, _ factor: Int
  ) -> [(extent: Int, small: ViewStride, large: ViewStride)] {
    let (width, square) = (small.width, factor * factor)
    return [
      (small.batch * small.height, .init(rows: width), .init(rows: square * width)),
      (factor, .init(elements: factor), .init(rows: width * factor)),
      (width, .init(rows: 1), .init(rows: factor)),
      (factor, .init(elements: 1), .init(rows: 1)),
      (small.channels / square, .init(elements: square), .init(elements: 1)),
    ]
  }
}

extension Value {
  /// Rearranges `factor`² channels into a block of `factor` × `factor` pixels.
  public func pixelShuffle(
    _ factor: Int, named name: String = "pixelShuffle", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(PixelShuffle(factor), named: name, file: file, line: line)
  }

  /// Rearranges blocks of `factor` × `factor` pixels into `factor`² channels.
  public func pixelUnshuffle(
    _ factor: Int, named name: String = "pixelUnshuffle", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(PixelUnshuffle(factor), named: name, file: file, line: line)
  }
}

extension PixelShuffle {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    ConvolutionGeometry(kernel: Extent2D(factor), stride: Extent2D(factor)).spreadReach(of: inputs[0])
  }
}

extension PixelShuffle: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    var y = inputs[0].properties.part(outputs[0], of: inputs[0].spec)
    y.unitSumAxis = nil
    return [y]
  }
}

extension PixelShuffle: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    context.only(context.outputGradient.pixelUnshuffle(factor, named: "input"))
  }
}
