/// The gradients of layer normalisation. With g = dy · weight, x̂ = (x − mean) / σ and means over the channels of a row:
/// dx = (g − mean(g) − x̂ · mean(g · x̂)) / σ, dweight = Σ dy · x̂, dbias = Σ dy over the rows.
///
/// Inputs: dy and x `[…, channels]`, and optionally weight and bias `[channels]`. Outputs: a gradient for each input but dy.
package struct LayerNormGradient: Operator {
  package static let name = "LayerNormGradient"

  package let epsilon: Float

  package init(epsilon: Float) { self.epsilon = epsilon }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 2...4)
    for input in inputs { try requireFloat(input) }
    try require(inputs[0] == inputs[1], "the gradient \(inputs[0]) does not fit \(inputs[1])")
    return Array(inputs.dropFirst())
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 14 * outputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package func overwritableInputs(of count: Int) -> [Int] { [0, 1] }
  package var takesRowStrides: Bool { true }
  package func takesRowStrides(ofInput index: Int) -> Bool { index < 2 }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let shape = context.inputs[0].shape
    let channels = shape.channels
    let blocks = RowBlocks(rows: shape.rows, channels: channels)
    let epsilon = epsilon
    return PreparedOperator(workspaceByteCount: ElementType.float32.byteCount(of: 2 * blocks.count * channels)) {
      context in
      let (dy, x, dx) = (context.input(0), context.input(1), context.output())
      let weight = context.inputCount > 2 ? context.input(2).floats : nil
      let parts = context.scratch
      context.workers.forEach(blocks.count) { block, _ in
        let rows = blocks[block]
        let sums = parts + 2 * block * channels
        sums.update(repeating: 0, count: 2 * channels)
        context.kernels.layerNormGradient(
          dy.floats + rows.lowerBound * dy.rowStride, dyStride: dy.rowStride,
          x.floats + rows.lowerBound * x.rowStride, xStride: x.rowStride, weight: weight, epsilon: epsilon,
          dx.floats + rows.lowerBound * dx.rowStride, dxStride: dx.rowStride, weightSums: sums,
          biasSums: sums + channels, rows: rows.count, channels: channels)
      }
      for output in 1..<context.outputCount {
        let result = context.output(output).floats
        for channel in 0..<channels {
          var sum = 0.0
          for block in 0..<blocks.count { sum += Double(parts[(2 * block + output - 1) * channels + channel]) }
          result[channel] = Float(sum)
        }
      }
    }
  }
}
