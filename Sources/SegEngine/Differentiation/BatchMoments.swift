/// Mean and variance of each channel over the batch and all pixels.
///
/// Input: x `[…, channels]`. Outputs: the mean and the population's variance, `[channels]` each. Those of blocks of rows are joined
/// as ``Moments``.
package struct BatchMoments: Operator {
  package static let name = "BatchMoments"

  package init() {}

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    try requireFloat(inputs[0])
    try require(inputs[0].shape.rank > 0 && inputs[0].shape.elementCount > 0, "\(inputs[0]) has no elements")
    let channels = TensorSpec([inputs[0].shape.channels])
    return [channels, channels]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 4 * inputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package var takesRowStrides: Bool { true }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let shape = context.inputs[0].shape
    let channels = shape.channels
    let blocks = RowBlocks(rows: shape.rows, channels: channels)
    return PreparedOperator(workspaceByteCount: ElementType.float32.byteCount(of: 2 * blocks.count * channels)) {
      context in
      let (x, mean, variance) = (context.input(0), context.output(0).floats, context.output(1).floats)
      let parts = context.scratch
      context.workers.forEach(blocks.count) { block, _ in
        let rows = blocks[block]
        let means = parts + 2 * block * channels
        context.kernels.columnMoments(
          x.floats + rows.lowerBound * x.rowStride, xStride: x.rowStride, rows: rows.count, channels: channels,
          means: means, deviations: means + channels)
      }
      for channel in 0..<channels {
        var moments = Moments()
        for block in 0..<blocks.count {
          let part = parts + 2 * block * channels + channel
          moments.add(count: Double(blocks[block].count), mean: part.pointee, deviations: (part + channels).pointee)
        }
        mean[channel] = Float(moments.mean)
        variance[channel] = Float(moments.variance)
      }
    }
  }
}
