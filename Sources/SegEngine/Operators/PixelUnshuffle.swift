/// Rearranges blocks of pixels into groups of channels: the inverse of ``PixelShuffle``.
///
/// Input: x `[batch, height · r, width · r, channels]` of any type. Output: `[batch, height, width, channels · r²]`, with
/// y[n, h, w, c·r² + i·r + j] = x[n, h·r + i, w·r + j, c]. Exact.
public struct PixelUnshuffle: Operator {
  public static let name = "PixelUnshuffle"

  /// The factor by which height and width shrink.
  public let factor: Int

  /// Makes the operator.
  ///
  /// - Precondition: `factor` is positive.
  public init(_ factor: Int) {
    precondition(factor > 0, "a factor is positive: \(factor)")
    self.factor = factor
  }

  public var attributes: String { "÷\(factor)" }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    let x = inputs[0].shape
    try require(
      x.rank == 4 && x.height % factor == 0 && x.width % factor == 0,
      "height and width of \(x) are no multiples of \(factor), to become [batch, height / \(factor), width / \(factor), channels]"
    )
    let (square, overflow) = factor.multipliedReportingOverflow(by: factor)
    let (channels, overflowToo) = x.channels.multipliedReportingOverflow(by: square)
    try require(!overflow && !overflowToo, "\(x) has too few pixels for a factor of \(factor)")
    return [
      TensorSpec(try shape([x.batch, x.height / factor, x.width / factor, channels]), inputs[0].elementType)
    ]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost { Cost(reading: inputs, writing: outputs) }

  public var takesRowStrides: Bool { true }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let copy = StridedCopy(
      StridedCopy.shuffle(small: context.outputs[0].shape, factor).map {
        .init(extent: $0.extent, source: $0.large, target: $0.small)
      }, elementType: context.inputs[0].elementType, from: context.inputs[0].shape, to: context.outputs[0].shape)
    return PreparedOperator { copy.run($0.input(0), $0.output(), over: $0.workers) }
  }
}

extension PixelUnshuffle {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    ConvolutionGeometry(kernel: Extent2D(factor), stride: Extent2D(factor)).windowReach(of: inputs[0])
  }
}

extension PixelUnshuffle: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    context.only(context.outputGradient.pixelShuffle(factor, named: "input"))
  }
}
