/// The gradient of an operator whose outputs are weighted sums of pixels, with weights that are products of one of the row and one of the
/// column: resizing, average pooling. It is the transposed map: each pixel sums the gradients of the outputs that it is part of, with their
/// weights.
///
/// Input: dy `[batch, outHeight, outWidth, channels]`. Output: dx `[batch, height, width, channels]`.
package struct ResamplingGradient: Operator {
  package static let name = "ResamplingGradient"

  /// Height and width of the operator's input.
  package let size: Extent2D
  /// The taps of the operator itself.
  private let rows, columns: Resize.Taps

  init(rows: Resize.Taps, columns: Resize.Taps, size: Extent2D) {
    self.rows = rows
    self.columns = columns
    self.size = size
  }

  package var attributes: String { "to \(size.height)×\(size.width)" }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    try requireFeatureMap(inputs[0])
    let dy = inputs[0].shape
    try require(
      dy.height == rows.indices.count && dy.width == columns.indices.count,
      "the gradient is \(rows.indices.count)×\(columns.indices.count) pixels, not \(dy)")
    return [TensorSpec(try shape([dy.batch, size.height, size.width, dy.channels]))]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    let dy = inputs[0].shape
    return Cost(
      otherOperations: 2 * dy.batch * dy.channels
        * (rows.taps * dy.height * dy.width + columns.taps * size.height * dy.width),
      reading: inputs, writing: outputs)
  }

  package var takesRowStrides: Bool { true }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let lines = ResizeLines(
      rows.transposed(to: size.height), columns.transposed(to: size.width), from: context.inputs[0].shape,
      to: context.outputs[0].shape)
    return PreparedOperator(workspaceByteCount: context.workers.threadCount * lines.byteCount) { context in
      let (dy, dx, device) = (context.input(0), context.output(), context.device)
      let width = dx.shape.width
      device.workers.forEachRange(dx.shape.batch * dx.shape.height, grain: max(1, 16384 / max(1, lines.work))) {
        range, worker in
        for row in range {
          let line = lines.line(row, of: dy, in: context.workspace + worker * lines.byteCount, on: device)
          lines.pixels(
            0..<width, of: line, dx.floats + row * width * dx.rowStride, yStride: dx.rowStride, on: device)
        }
      }
    }
  }
}

extension Value {
  /// Computes the gradient of an operator with the given taps along the rows and columns of its input.
  func resamplingGradient(rows: Resize.Taps, columns: Resize.Taps, like x: Shape) -> Value {
    apply(
      ResamplingGradient(rows: rows, columns: columns, size: Extent2D(height: x.height, width: x.width)), named: "input"
    )
  }
}
