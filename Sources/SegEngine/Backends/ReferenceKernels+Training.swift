extension ReferenceKernels {
  package func mapGradient(
    _ function: ElementwiseFunction, ofValue: Bool, _ dy: UnsafePointer<Float>, _ source: UnsafePointer<Float>,
    _ dx: UnsafeMutablePointer<Float>, count: Int
  ) {
    for index in 0..<count {
      let x = Double(source[index])
      dx[index] = Float(
        Double(dy[index]) * (ofValue ? function.derivative(ofValue: x) : function.derivative(at: x)))
    }
  }

  package func columnMoments(
    _ x: UnsafePointer<Float>, xStride: Int, rows: Int, channels: Int, means: UnsafeMutablePointer<Float>,
    deviations: UnsafeMutablePointer<Float>
  ) {
    for channel in 0..<channels {
      var sum = 0.0
      for row in 0..<rows { sum += Double(x[row * xStride + channel]) }
      means[channel] = Float(sum / Double(rows))
      // The deviations are those from the mean that is stored.
      let mean = Double(means[channel])
      var squares = 0.0
      for row in 0..<rows {
        let deviation = Double(x[row * xStride + channel]) - mean
        squares += deviation * deviation
      }
      deviations[channel] = Float(squares)
    }
  }

  package func normalizationSums(
    _ operands: NormalizationOperands, rows: Int, channels: Int, sums: UnsafeMutablePointer<Float>,
    products: UnsafeMutablePointer<Float>
  ) {
    for channel in 0..<channels {
      var (sum, product) = (0.0, 0.0)
      for row in 0..<rows {
        let (g, deviation) = operands.gradient(row, channel)
        sum += g
        product += g * deviation
      }
      sums[channel] = Float(sum)
      products[channel] = Float(product)
    }
  }

  package func normalizationGradient(
    _ operands: NormalizationOperands, factor: UnsafePointer<Float>, slope: UnsafePointer<Float>,
    offset: UnsafePointer<Float>, rows: Int, channels: Int, _ dx: UnsafeMutablePointer<Float>, dxStride: Int
  ) {
    for row in 0..<rows {
      for channel in 0..<channels {
        let (g, deviation) = operands.gradient(row, channel)
        dx[row * dxStride + channel] = Float(
          g * Double(factor[channel]) + deviation * Double(slope[channel]) + Double(offset[channel]))
      }
    }
  }

  package func sumProducts(
    _ p: UnsafePointer<Float>, pStride: Int, _ q: UnsafePointer<Float>, qStride: Int, rows: Int, channels: Int,
    _ y: UnsafeMutablePointer<Float>
  ) {
    for channel in 0..<channels {
      var sum = 0.0
      for row in 0..<rows { sum += Double(p[row * pStride + channel]) * Double(q[row * qStride + channel]) }
      y[channel] = Float(sum)
    }
  }

  package func softmaxGradient(
    ofLogarithm: Bool, _ dy: UnsafePointer<Float>, dyStride: Int, _ y: UnsafePointer<Float>, yStride: Int,
    _ dx: UnsafeMutablePointer<Float>, dxStride: Int, rows: Int, channels: Int
  ) {
    for row in 0..<rows {
      let (g, p) = (dy + row * dyStride, y + row * yStride)
      var sum = 0.0
      for c in 0..<channels { sum += Double(g[c]) * (ofLogarithm ? 1 : Double(p[c])) }
      for c in 0..<channels {
        let (g, p) = (Double(g[c]), Double(p[c]))
        dx[row * dxStride + c] = Float(ofLogarithm ? g - ElementwiseFunction.exp(p) * sum : p * (g - sum))
      }
    }
  }

  package func layerNormGradient(
    _ dy: UnsafePointer<Float>, dyStride: Int, _ x: UnsafePointer<Float>, xStride: Int, weight: UnsafePointer<Float>?,
    epsilon: Float, _ dx: UnsafeMutablePointer<Float>, dxStride: Int, weightSums: UnsafeMutablePointer<Float>,
    biasSums: UnsafeMutablePointer<Float>, rows: Int, channels: Int
  ) {
    let count = Double(channels)
    for row in 0..<rows {
      let (g, x) = (dy + row * dyStride, x + row * xStride)
      let mean = (0..<channels).reduce(0.0) { $0 + Double(x[$1]) } / count
      let variance = (0..<channels).reduce(0.0) { $0 + (Double(x[$1]) - mean) * (Double(x[$1]) - mean) } / count
      let inverse = 1 / (variance + Double(epsilon)).squareRoot()
      var (sum, product) = (0.0, 0.0)
      for c in 0..<channels {
        let own = Double(g[c]) * Double(weight?[c] ?? 1)
        sum += own
        product += own * (Double(x[c]) - mean) * inverse
      }
      for c in 0..<channels {
        let (gradient, normalized) = (Double(g[c]), (Double(x[c]) - mean) * inverse)
        weightSums[c] += Float(gradient * normalized)
        biasSums[c] += Float(gradient)
        dx[row * dxStride + c] = Float(
          inverse * (gradient * Double(weight?[c] ?? 1) - sum / count - normalized * product / count))
      }
    }
  }

  package func momentumStep(
    _ step: MomentumStep, weights: UnsafePointer<Float>, gradient: UnsafePointer<Float>, momentum: UnsafePointer<Float>,
    newWeights: UnsafeMutablePointer<Float>, newMomentum: UnsafeMutablePointer<Float>, count: Int
  ) {
    for index in 0..<count {
      let weight = Double(weights[index])
      let direction = Double(gradient[index]) * Double(step.scale) + Double(step.decay) * weight
      let velocity = Double(step.momentum) * Double(momentum[index]) + direction
      newMomentum[index] = Float(velocity)
      let change = step.isNesterov ? direction + Double(step.momentum) * velocity : velocity
      newWeights[index] = Float(weight - Double(step.rate) * change)
    }
  }

  package func adamStep(
    _ step: AdamStep, weights: UnsafePointer<Float>, gradient: UnsafePointer<Float>, first: UnsafePointer<Float>,
    second: UnsafePointer<Float>, newWeights: UnsafeMutablePointer<Float>, newFirst: UnsafeMutablePointer<Float>,
    newSecond: UnsafeMutablePointer<Float>, count: Int
  ) {
    for index in 0..<count {
      let g = Double(gradient[index]) * Double(step.scale)
      let m = Double(step.beta1) * Double(first[index]) + Double(step.complement1) * g
      let v = Double(step.beta2) * Double(second[index]) + Double(step.complement2) * g * g
      newFirst[index] = Float(m)
      newSecond[index] = Float(v)
      let change = Double(step.step) * m / (v.squareRoot() * Double(step.root) + Double(step.epsilon))
      newWeights[index] = Float(Double(step.kept) * Double(weights[index]) - change)
    }
  }

  package func lionStep(
    _ step: AdamStep, weights: UnsafePointer<Float>, gradient: UnsafePointer<Float>, momentum: UnsafePointer<Float>,
    newWeights: UnsafeMutablePointer<Float>, newMomentum: UnsafeMutablePointer<Float>, count: Int
  ) {
    for index in 0..<count {
      let (g, m) = (Double(gradient[index]) * Double(step.scale), Double(momentum[index]))
      let direction = Double(step.beta1) * m + Double(step.complement1) * g
      let sign: Double = direction > 0 ? 1 : direction < 0 ? -1 : 0
      newMomentum[index] = Float(Double(step.beta2) * m + Double(step.complement2) * g)
      newWeights[index] = Float(Double(step.kept) * Double(weights[index]) - Double(step.step) * sign)
    }
  }
}

extension NormalizationOperands {
  /// The gradient before the function at an element, and the element's deviation from the mean.
  fileprivate func gradient(_ row: Int, _ channel: Int) -> (gradient: Double, deviation: Double) {
    let x = Double(self.x[row * xStride + channel])
    // The kernels decide at the rounded operand of the function.
    let z = Float(x * Double(scale[channel]) + Double(shift[channel]))
    return (Double(dy[row * dyStride + channel]) * function.derivative(at: Double(z)), x - Double(mean[channel]))
  }
}
