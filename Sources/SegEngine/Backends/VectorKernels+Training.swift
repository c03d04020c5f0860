import CSegKernels

extension VectorKernels {
  package func mapGradient(
    _ function: ElementwiseFunction, ofValue: Bool, _ dy: UnsafePointer<Float>, _ source: UnsafePointer<Float>,
    _ dx: UnsafeMutablePointer<Float>, count: Int
  ) {
    let f = function.kernel
    table.pointee.map_gradient(f.code, ofValue ? 1 : 0, f.a, f.b, dy, source, dx, count)
  }

  package func columnMoments(
    _ x: UnsafePointer<Float>, xStride: Int, rows: Int, channels: Int, means: UnsafeMutablePointer<Float>,
    deviations: UnsafeMutablePointer<Float>
  ) {
    table.pointee.column_moments(x, xStride, rows, channels, means, deviations)
  }

  package func normalizationSums(
    _ operands: NormalizationOperands, rows: Int, channels: Int, sums: UnsafeMutablePointer<Float>,
    products: UnsafeMutablePointer<Float>
  ) {
    var n = operands.kernel
    table.pointee.normalization_sums(&n, rows, channels, sums, products)
  }

  package func normalizationGradient(
    _ operands: NormalizationOperands, factor: UnsafePointer<Float>, slope: UnsafePointer<Float>,
    offset: UnsafePointer<Float>, rows: Int, channels: Int, _ dx: UnsafeMutablePointer<Float>, dxStride: Int
  ) {
    var n = operands.kernel
    table.pointee.normalization_gradient(&n, factor, slope, offset, rows, channels, dx, dxStride)
  }

  package func sumProducts(
    _ p: UnsafePointer<Float>, pStride: Int, _ q: UnsafePointer<Float>, qStride: Int, rows: Int, channels: Int,
    _ y: UnsafeMutablePointer<Float>
  ) {
    table.pointee.add_products(p, pStride, q, qStride, rows, channels, y)
  }

  package func softmaxGradient(
    ofLogarithm: Bool, _ dy: UnsafePointer<Float>, dyStride: Int, _ y: UnsafePointer<Float>, yStride: Int,
    _ dx: UnsafeMutablePointer<Float>, dxStride: Int, rows: Int, channels: Int
  ) {
    table.pointee.softmax_gradient(ofLogarithm ? 1 : 0, dy, dyStride, y, yStride, dx, dxStride, rows, channels)
  }

  package func layerNormGradient(
    _ dy: UnsafePointer<Float>, dyStride: Int, _ x: UnsafePointer<Float>, xStride: Int, weight: UnsafePointer<Float>?,
    epsilon: Float, _ dx: UnsafeMutablePointer<Float>, dxStride: Int, weightSums: UnsafeMutablePointer<Float>,
    biasSums: UnsafeMutablePointer<Float>, rows: Int, channels: Int
  ) {
    table.pointee.layer_norm_gradient(
      dy, dyStride, x, xStride, weight, epsilon, dx, dxStride, weightSums, biasSums, rows, channels)
  }

  package func momentumStep(
    _ step: MomentumStep, weights: UnsafePointer<Float>, gradient: UnsafePointer<Float>, momentum: UnsafePointer<Float>,
    newWeights: UnsafeMutablePointer<Float>, newMomentum: UnsafeMutablePointer<Float>, count: Int
  ) {
    var s = seg_momentum(
      rate: step.rate, momentum: step.momentum, decay: step.decay, scale: step.scale, nesterov: step.isNesterov ? 1 : 0)
    table.pointee.momentum_step(&s, weights, gradient, momentum, newWeights, newMomentum, count)
  }

  package func adamStep(
    _ step: AdamStep, weights: UnsafePointer<Float>, gradient: UnsafePointer<Float>, first: UnsafePointer<Float>,
    second: UnsafePointer<Float>, newWeights: UnsafeMutablePointer<Float>, newFirst: UnsafeMutablePointer<Float>,
    newSecond: UnsafeMutablePointer<Float>, count: Int
  ) {
    var s = step.kernel
    table.pointee.adam_step(&s, weights, gradient, first, second, newWeights, newFirst, newSecond, count)
  }

  package func lionStep(
    _ step: AdamStep, weights: UnsafePointer<Float>, gradient: UnsafePointer<Float>, momentum: UnsafePointer<Float>,
    newWeights: UnsafeMutablePointer<Float>, newMomentum: UnsafeMutablePointer<Float>, count: Int
  ) {
    var s = step.kernel
    table.pointee.lion_step(&s, weights, gradient, momentum, newWeights, newMomentum, count)
  }
}

extension NormalizationOperands {
  fileprivate var kernel: seg_normalization {
    let f = function.kernel
    return seg_normalization(
      dy: dy, dy_stride: dyStride, x: x, x_stride: xStride, mean: mean, scale: scale, shift: shift, function: f.code,
      parameter_a: f.a, parameter_b: f.b)
  }
}

extension AdamStep {
  fileprivate var kernel: seg_adam {
    seg_adam(
      beta1: beta1, beta2: beta2, complement1: complement1, complement2: complement2, scale: scale, kept: kept,
      step: step, root: root, epsilon: epsilon)
  }
}
