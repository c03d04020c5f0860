/// The gradient of max unpooling: each value takes the gradient at its index.
///
/// Inputs: dy `[batch, outHeight, outWidth, channels]`; indices, int32 `[batch, height, width, channels]`. Output: float32, the shape of the
/// indices. A value whose index is outside the output has no gradient.
package struct MaxUnpoolGradient: Operator {
  package static let name = "MaxUnpoolGradient"

  package init() {}

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 2...2)
    try requireFeatureMap(inputs[0])
    let (dy, indices) = (inputs[0].shape, inputs[1])
    try require(
      indices.elementType == .int32 && indices.shape.rank == 4 && indices.shape.batch == dy.batch
        && indices.shape.channels == dy.channels, "the indices \(indices) do not fit the gradient \(dy)")
    return [TensorSpec(indices.shape)]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(reading: [inputs[1], TensorSpec(outputs[0].shape)], writing: outputs)
  }

  package var takesRowStrides: Bool { true }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    PreparedOperator { context in
      let (dy, indices, dx) = (context.input(0), context.input(1), context.output())
      let (channels, places) = (dx.shape.channels, indices.pointer(to: Int32.self))
      let (inputPixels, outputPixels) = (dx.shape.height * dx.shape.width, dy.shape.height * dy.shape.width)
      context.workers.forEachRange(dx.shape.rows, grain: max(1, 8192 / max(1, channels))) { rows, _ in
        for row in rows {
          let plane = dy.floats + row / inputPixels * outputPixels * dy.rowStride
          let (place, result) = (places + row * indices.rowStride, dx.floats + row * dx.rowStride)
          for c in 0..<channels {
            let index = Int(place[c])
            result[c] = index >= 0 && index < outputPixels ? plane[index * dy.rowStride + c] : 0
          }
        }
      }
    }
  }
}
