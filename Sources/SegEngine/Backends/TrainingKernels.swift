/// The vector kernels of gradients and optimisers. The rules of ``Kernels`` hold.
package protocol TrainingKernels: Sendable {
  /// Computes dx[i] ← dy[i] · f′(x[i]); `source` is x or, with `ofValue`, f(x). `dx` may be an operand.
  ///
  /// - Precondition: with `ofValue`, the function's ``ElementwiseFunction/valueTellsDerivative`` holds.
  func mapGradient(
    _ function: ElementwiseFunction, ofValue: Bool, _ dy: UnsafePointer<Float>, _ source: UnsafePointer<Float>,
    _ dx: UnsafeMutablePointer<Float>, count: Int)

  /// Computes the mean of each column over the rows, and the sum of the squared deviations from it.
  func columnMoments(
    _ x: UnsafePointer<Float>, xStride: Int, rows: Int, channels: Int, means: UnsafeMutablePointer<Float>,
    deviations: UnsafeMutablePointer<Float>)

  /// With g = dy · f′(z), computes the sums over the rows of g and of g · (x − mean).
  func normalizationSums(
    _ operands: NormalizationOperands, rows: Int, channels: Int, sums: UnsafeMutablePointer<Float>,
    products: UnsafeMutablePointer<Float>)

  /// With g = dy · f′(z), computes dx[r, c] ← g · factor[c] + (x − mean[c]) · slope[c] + offset[c]. `dx` may be `dy` or `x`.
  func normalizationGradient(
    _ operands: NormalizationOperands, factor: UnsafePointer<Float>, slope: UnsafePointer<Float>,
    offset: UnsafePointer<Float>, rows: Int, channels: Int, _ dx: UnsafeMutablePointer<Float>, dxStride: Int)

  /// Computes y[c] ← Σ over r of p[r, c] · q[r, c].
  func sumProducts(
    _ p: UnsafePointer<Float>, pStride: Int, _ q: UnsafePointer<Float>, qStride: Int, rows: Int, channels: Int,
    _ y: UnsafeMutablePointer<Float>)

  /// Computes the gradient of each row's softmax y, dx ← y · (dy − Σ dy · y), or of its logarithm, dx ← dy − eʸ · Σ dy. `dx` may be an
  /// operand.
  func softmaxGradient(
    ofLogarithm: Bool, _ dy: UnsafePointer<Float>, dyStride: Int, _ y: UnsafePointer<Float>, yStride: Int,
    _ dx: UnsafeMutablePointer<Float>, dxStride: Int, rows: Int, channels: Int)

  /// Computes the gradient of a layer normalisation's input, and adds to the sums over rows of dy · x̂ and of dy. `dx` may be an operand.
  func layerNormGradient(
    _ dy: UnsafePointer<Float>, dyStride: Int, _ x: UnsafePointer<Float>, xStride: Int, weight: UnsafePointer<Float>?,
    epsilon: Float, _ dx: UnsafeMutablePointer<Float>, dxStride: Int, weightSums: UnsafeMutablePointer<Float>,
    biasSums: UnsafeMutablePointer<Float>, rows: Int, channels: Int)

  /// Makes a step of ``MomentumUpdate``. The results may be the operands.
  func momentumStep(
    _ step: MomentumStep, weights: UnsafePointer<Float>, gradient: UnsafePointer<Float>, momentum: UnsafePointer<Float>,
    newWeights: UnsafeMutablePointer<Float>, newMomentum: UnsafeMutablePointer<Float>, count: Int)

  /// Makes a step of ``AdamUpdate``. The results may be the operands.
  func adamStep(
    _ step: AdamStep, weights: UnsafePointer<Float>, gradient: UnsafePointer<Float>, first: UnsafePointer<Float>,
    second: UnsafePointer<Float>, newWeights: UnsafeMutablePointer<Float>, newFirst: UnsafeMutablePointer<Float>,
    newSecond: UnsafeMutablePointer<Float>, count: Int)

  /// Makes a step of ``LionUpdate``. The results may be the operands.
  func lionStep(
    _ step: AdamStep, weights: UnsafePointer<Float>, gradient: UnsafePointer<Float>, momentum: UnsafePointer<Float>,
    newWeights: UnsafeMutablePointer<Float>, newMomentum: UnsafeMutablePointer<Float>, count: Int)
}

/// The operands of a normalisation's gradient: rows of the output's gradient dy and of the input x. The output is f(z) with
/// z = x · scale[c] + shift[c].
package struct NormalizationOperands {
  package var dy: UnsafePointer<Float>
  package var dyStride: Int
  package var x: UnsafePointer<Float>
  package var xStride: Int
  package var mean: UnsafePointer<Float>
  package var scale: UnsafePointer<Float>
  package var shift: UnsafePointer<Float>
  package var function: ElementwiseFunction

  /// Returns the operands from a row on.
  func part(row: Int) -> NormalizationOperands {
    var part = self
    part.dy += row * dyStride
    part.x += row * xStride
    return part
  }
}

/// The numbers of a step of gradient descent with momentum: d = g · scale + decay · w, m′ = momentum · m + d, w′ = w − rate · m′, and with
/// Nesterov's momentum w′ = w − rate · (d + momentum · m′).
package struct MomentumStep {
  package var rate: Float
  package var momentum: Float
  package var decay: Float
  package var scale: Float
  package var isNesterov: Bool
}

/// The numbers of a step of Adam with d = g · scale: m′ = beta1 · m + complement1 · d, v′ = beta2 · v + complement2 · d²,
/// w′ = kept · w − step · m′ / (√v′ · root + epsilon). Lion takes w′ = kept · w − step · sign(beta1 · m + complement1 · d) and
/// m′ = beta2 · m + complement2 · d.
package struct AdamStep {
  package var beta1, beta2, complement1, complement2: Float
  package var scale: Float
  package var kept: Float
  package var step: Float
  package var root: Float = 1
  package var epsilon: Float = 0
}

extension ElementwiseFunction {
  /// Whether the derivative is a function of the function's value, so that the operand need not be kept.
  var valueTellsDerivative: Bool {
    switch self {
    case .identity, .relu, .clip, .hardSigmoid, .sigmoid, .tanh, .exp, .sqrt, .negate, .reciprocal: true
    case .leakyReLU(let slope): slope > 0
    case .elu(let alpha): alpha > 0
    default: false
    }
  }

  /// Whether the function has a derivative. Rounding has none that is of use.
  var isDifferentiable: Bool {
    if case .quantize = self { return false }
    return true
  }
}
