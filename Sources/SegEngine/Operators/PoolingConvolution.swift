/// A convolution and the 2 × 2 max pooling of its result, as in encoders of the U-Net family: ``Convolution`` and ``MaxPool`` of stride 2
/// fused, so that pixels are pooled while they are in cache.
///
/// Inputs: as for ``Convolution``. Outputs: its output `[batch, height, width, out]`, and the pooled
/// `[batch, ⌊height / 2⌋, ⌊width / 2⌋, out]`.
struct PoolingConvolution: Operator {
  static let name = "PoolingConvolution"

  let convolution: Convolution

  /// The pooling of the second output.
  static let pool = MaxPool(ConvolutionGeometry(kernel: 2, stride: 2))

  var attributes: String { convolution.attributes + " → \(PoolingConvolution.pool.attributes)" }

  func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    let map = try convolution.outputs(for: inputs)
    return map + (try PoolingConvolution.pool.outputs(for: map))
  }

  func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    var cost = convolution.cost(inputs: inputs, outputs: [outputs[0]])
    let pool = PoolingConvolution.pool.cost(inputs: [outputs[0]], outputs: [outputs[1]])
    cost.otherOperations += pool.otherOperations
    cost.bytesWritten += pool.bytesWritten
    return cost
  }

  func overwritableInputs(of count: Int) -> [Int] { convolution.overwritableInputs(of: count) }
  var takesRowStrides: Bool { true }

  /// The weights are packed as they lie: contiguous.
  func takesRowStrides(ofInput index: Int) -> Bool { index != 1 }

  func prepare(_ context: PreparationContext) -> PreparedOperator {
    convolution.problem(context.inputs[0], context.outputs[0]).prepared(
      context, function: convolution.function, hasResidual: convolution.addsResidual, pools: true)
  }

  func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    convolution.reach(ofInput: index, inputs: inputs, outputs: [outputs[0]])
  }
}
