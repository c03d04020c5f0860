/// The gradients of batch normalisation with respect to weight and bias: with g = dy · f′(z) before the function f of ``BatchNorm``,
/// dbias = Σ g and dweight = Σ g · (x − mean) / √(variance + epsilon).
///
/// Inputs: dy and x `[…, channels]`, weight, bias, mean, variance, each `[channels]`. Outputs: dbias and dweight, `[channels]`. z is computed
/// again from x, so that neither it nor the output of ``BatchNorm`` need be kept.
package struct BatchNormGradientSums: Operator {
  package static let name = "BatchNormGradientSums"

  package let epsilon: Float
  package let function: ElementwiseFunction

  package init(epsilon: Float, function: ElementwiseFunction) {
    self.epsilon = epsilon
    self.function = function
  }

  package var attributes: String { function == .identity ? "" : "\(function)" }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 6...6)
    try requireGradientOperands(inputs, channels: 4)
    return [inputs[2], inputs[2]]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(
      otherOperations: (6 + function.operationCount) * inputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package var takesRowStrides: Bool { true }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let shape = context.inputs[0].shape
    let channels = shape.channels
    let blocks = RowBlocks(rows: shape.rows, channels: channels)
    let (epsilon, function) = (epsilon, function)
    return PreparedOperator(
      workspaceByteCount: ElementType.float32.byteCount(of: (2 + 2 * blocks.count) * channels)
    ) { context in
      let (scale, shift) = (context.scratch, context.scratch + channels)
      let parts = shift + channels
      let operands = NormalizationOperands(context, epsilon, function, scale: scale, shift: shift)
      context.workers.forEach(blocks.count) { block, _ in
        let rows = blocks[block]
        let sums = parts + 2 * block * channels
        context.kernels.normalizationSums(
          operands.part(row: rows.lowerBound), rows: rows.count, channels: channels, sums: sums,
          products: sums + channels)
      }
      let (dBias, dWeight) = (context.output(0).floats, context.output(1).floats)
      let variance = context.input(5).floats
      for channel in 0..<channels {
        var (sum, product) = (0.0, 0.0)
        for block in 0..<blocks.count {
          let part = parts + 2 * block * channels + channel
          sum += Double(part.pointee)
          product += Double((part + channels).pointee)
        }
        dBias[channel] = Float(sum)
        dWeight[channel] = Float(product / (Double(variance[channel]) + Double(epsilon)).squareRoot())
      }
    }
  }
}

/// The gradient of batch normalisation with respect to its input. With g = dy · f′(z), σ = √(variance + epsilon), x̂ = (x − mean) / σ and N
/// values a channel: dx = weight / σ · (g − dbias / N − x̂ · dweight / N) where the statistics are those of the batch, weight / σ · g
/// where they are given.
///
/// Inputs: dy, x, weight, bias, mean, variance, and dbias, dweight of ``BatchNormGradientSums``. Output: the shape of x.
package struct BatchNormInputGradient: Operator {
  package static let name = "BatchNormInputGradient"

  package let epsilon: Float
  package let function: ElementwiseFunction
  /// Whether mean and variance are those of the batch, and depend on x.
  package let ofBatch: Bool

  package init(epsilon: Float, function: ElementwiseFunction, ofBatch: Bool) {
    self.epsilon = epsilon
    self.function = function
    self.ofBatch = ofBatch
  }

  package var attributes: String {
    (ofBatch ? "batch statistics" : "given statistics") + (function == .identity ? "" : " \(function)")
  }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 8...8)
    try requireGradientOperands(inputs, channels: 6)
    return [inputs[1]]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(
      otherOperations: (7 + function.operationCount) * inputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package func overwritableInputs(of count: Int) -> [Int] { [0, 1] }
  package var takesRowStrides: Bool { true }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let shape = context.inputs[0].shape
    let (channels, count) = (shape.channels, Double(shape.rows))
    let (epsilon, function, ofBatch) = (epsilon, function, ofBatch)
    return PreparedOperator(workspaceByteCount: ElementType.float32.byteCount(of: 5 * channels)) { context in
      let (scale, shift) = (context.scratch, context.scratch + channels)
      let (factor, slope, offset) = (shift + channels, shift + 2 * channels, shift + 3 * channels)
      let operands = NormalizationOperands(context, epsilon, function, scale: scale, shift: shift)
      let (weight, variance) = (context.input(2).floats, context.input(5).floats)
      let (dBias, dWeight) = (context.input(6).floats, context.input(7).floats)
      for channel in 0..<channels {
        let deviation = (Double(variance[channel]) + Double(epsilon)).squareRoot()
        let own = Double(weight[channel]) / deviation
        factor[channel] = Float(own)
        slope[channel] = ofBatch ? Float(-own / deviation * Double(dWeight[channel]) / count) : 0
        offset[channel] = ofBatch ? Float(-own * Double(dBias[channel]) / count) : 0
      }
      let dx = context.output()
      context.workers.forEachRange(shape.rows, grain: max(1, 16384 / max(1, channels))) { rows, _ in
        context.kernels.normalizationGradient(
          operands.part(row: rows.lowerBound), factor: factor, slope: slope, offset: offset, rows: rows.count,
          channels: channels, dx.floats + rows.lowerBound * dx.rowStride, dxStride: dx.rowStride)
      }
    }
  }
}

extension NormalizationOperands {
  /// Makes the operands from inputs dy, x, weight, bias, mean, variance, and writes scale and shift.
  fileprivate init(
    _ context: RunContext, _ epsilon: Float, _ function: ElementwiseFunction, scale: UnsafeMutablePointer<Float>,
    shift: UnsafeMutablePointer<Float>
  ) {
    let (dy, x) = (context.input(0), context.input(1))
    BatchNorm.writeAffine(
      context, firstInput: 2, epsilon: epsilon, channels: x.shape.channels, scale: scale, shift: shift)
    self.init(
      dy: dy.floats, dyStride: dy.rowStride, x: x.floats, xStride: x.rowStride, mean: context.input(4).floats,
      scale: scale, shift: shift, function: function)
  }
}

extension Operator {
  /// Throws unless inputs 0 and 1 are float32 of one shape, and the `count` inputs after them have a number for each channel.
  fileprivate func requireGradientOperands(_ inputs: [TensorSpec], channels count: Int) throws(ShapeError) {
    try requireFloat(inputs[0])
    try require(inputs[0] == inputs[1], "the gradient \(inputs[0]) does not fit \(inputs[1])")
    let channels = TensorSpec([inputs[0].shape.channels])
    for input in inputs[2..<2 + count] { try require(input == channels, "takes \(channels), not \(input)") }
  }
}
