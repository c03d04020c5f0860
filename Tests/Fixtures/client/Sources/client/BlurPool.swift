import SegEngine

/// Blur pooling (Zhang 2019): a map of half the height and width, filtered by [1, 2, 1] / 4 along both axes with stride 2, so that what
/// is finer than the new pixels is averaged and not aliased.
///
/// y[n, i, j, c] = f(scale[c] · Σ over a, b of k[a] · k[b] · x[n, 2 i − 1 + a, 2 j − 1 + b, c] + shift[c]), zeros around the map.
///
/// Inputs: x `[batch, height, width, channels]`, and where a normalisation was folded into it, scale and shift `[channels]`. Output:
/// `[batch, ⌈height / 2⌉, ⌈width / 2⌉, channels]`.
struct BlurPool: Operator {
  static let name = "BlurPool"

  /// Whether negative results are set to zero.
  var isRectified = false

  var attributes: String { isRectified ? "+ relu" : "" }

  func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    let x = inputs[0]
    guard inputs.count == 1 || inputs.count == 3, x.shape.rank == 4, x.elementType == .float32 else {
      throw ShapeError(BlurPool.name, "takes a float32 map, not \(inputs)")
    }
    let (height, width) = ((x.shape.height + 1) / 2, (x.shape.width + 1) / 2)
    return [TensorSpec([x.shape.batch, height, width, x.shape.channels])]
  }

  func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(macs: 9 * outputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  /// Rows of pixels may be further apart than their channels, so that concatenations around it need no copies.
  var takesRowStrides: Bool { true }

  func prepare(_ context: PreparationContext) -> PreparedOperator {
    let isRectified = isRectified
    return PreparedOperator(algorithm: "binomial") { context in
      let (x, y) = (context.input(0), context.output())
      let (scale, shift) = (
        context.inputCount > 1 ? context.input(1).floats : nil, context.inputCount > 1 ? context.input(2).floats : nil
      )
      let channels = x.shape.channels
      // A row of outputs for each call, shared out among the backend's threads.
      context.backend.workers.forEach(y.shape.batch * y.shape.height) { index, _ in
        let (image, row) = index.quotientAndRemainder(dividingBy: y.shape.height)
        for column in 0..<y.shape.width {
          let target = y.floats + (index * y.shape.width + column) * y.rowStride
          for channel in 0..<channels { target[channel] = 0 }
          for (a, down) in [(-1, Float(0.25)), (0, 0.5), (1, 0.25)] where 0..<x.shape.height ~= 2 * row + a {
            for (b, across) in [(-1, Float(0.25)), (0, 0.5), (1, 0.25)] where 0..<x.shape.width ~= 2 * column + b {
              let pixel = (image * x.shape.height + 2 * row + a) * x.shape.width + 2 * column + b
              let source = x.floats + pixel * x.rowStride
              for channel in 0..<channels { target[channel] += down * across * source[channel] }
            }
          }
          for channel in 0..<channels {
            if let scale, let shift { target[channel] = target[channel] * scale[channel] + shift[channel] }
            if isRectified { target[channel] = max(0, target[channel]) }
          }
        }
      }
    }
  }
}

/// Batch normalisation behind it becomes its scale and shift.
extension BlurPool: ChannelAffineAbsorbing {
  func absorbing(
    scale: [Float], shift: [Float], constants: [Tensor?]
  ) -> (operator: any Operator, constants: [Tensor])? {
    guard !isRectified, constants.count == 1 else { return nil }
    return (self, [Tensor([scale.count], scale), Tensor([shift.count], shift)])
  }
}

/// ReLU behind it is applied to its own results.
extension BlurPool: FunctionAbsorbing {
  func absorbing(_ function: ElementwiseFunction) -> (any Operator)? {
    function == .relu && !isRectified ? BlurPool(isRectified: true) : nil
  }
}

extension Value {
  /// Half the height and width, without aliasing.
  func blurPool(named name: String = "blurPool") -> Value { apply(BlurPool(), named: name) }
}
