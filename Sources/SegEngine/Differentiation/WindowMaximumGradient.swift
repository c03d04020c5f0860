/// The gradient of the maxima of windows of a grid: each output's gradient goes to the first largest pixel of its window.
///
/// Inputs: dy `[batch, outHeight, outWidth, channels]`, x `[batch, height, width, channels]`, and y, of the shape of dy. Output: the shape of
/// x. Windows may overlap.
package struct WindowMaximumGradient: Operator {
  package static let name = "WindowMaximumGradient"

  private let rows, columns: ContiguousArray<Range<Int>>

  init(rows: ContiguousArray<Range<Int>>, columns: ContiguousArray<Range<Int>>) {
    self.rows = rows
    self.columns = columns
  }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 3...3)
    for input in inputs { try requireFeatureMap(input) }
    try require(
      inputs[0] == inputs[2] && inputs[0].shape.height == rows.count && inputs[0].shape.width == columns.count,
      "the gradient \(inputs[0]) does not fit a grid of \(rows.count)×\(columns.count) windows")
    return [inputs[1]]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 2 * inputs[1].shape.elementCount, reading: inputs, writing: outputs)
  }

  package var takesRowStrides: Bool { true }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (rows, columns) = (rows, columns)
    return PreparedOperator { context in
      let (dy, x, y, dx) = (context.input(0), context.input(1), context.input(2), context.output())
      let (height, width, channels) = (x.shape.height, x.shape.width, x.shape.channels)
      // A worker has some channels of an image, a cache line wide, so that no two write the same element.
      let chunk = 16
      let chunks = (channels + chunk - 1) / chunk
      context.workers.forEach(x.shape.batch * chunks) { index, _ in
        let (image, part) = index.quotientAndRemainder(dividingBy: chunks)
        let own = part * chunk..<min(channels, (part + 1) * chunk)
        let first = image * height * width
        for pixel in first..<first + height * width {
          for channel in own { dx.floats[pixel * dx.rowStride + channel] = 0 }
        }
        for (i, window) in rows.enumerated() {
          for (j, band) in columns.enumerated() {
            let cell = (image * rows.count + i) * columns.count + j
            for channel in own {
              let largest = y.floats[cell * y.rowStride + channel]
              search: for row in window {
                for column in band {
                  let pixel = first + row * width + column
                  let value = x.floats[pixel * x.rowStride + channel]
                  guard value == largest || value.isNaN else { continue }
                  dx.floats[pixel * dx.rowStride + channel] += dy.floats[cell * dy.rowStride + channel]
                  break search
                }
              }
            }
          }
        }
      }
    }
  }
}
