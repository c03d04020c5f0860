/// Border bias correction: adds a vector of channels to the pixels of the first and last row and column. It corrects the border after a
/// bias was moved through a zero-padded convolution (``ComposeTransposed``).
///
/// Inputs: x `[batch, height, width, channels]` with at least two rows and columns, shift `[3, 3, channels]`. The axes of the shift are
/// (first row, rows between, last row) and (first column, columns between, last column). Output: the shape of x. The middle of the shift is
/// zero and is not read. Exact to one rounding.
struct BorderBiasCorrection: Operator {
  static let name = "BorderBiasCorrection"

  func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 2...2)
    try requireFeatureMap(inputs[0])
    let (x, shift) = (inputs[0].shape, inputs[1].shape)
    try require(
      x.height > 1 && x.width > 1 && shift == [3, 3, x.channels],
      "a frame around \(x) takes [3, 3, \(x.channels)] numbers and two rows and columns, not \(shift)")
    return [inputs[0]]
  }

  func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    let x = inputs[0].shape
    return Cost(
      otherOperations: x.batch * (2 * x.height + 2 * x.width - 4) * x.channels,
      parameters: inputs[1].shape.elementCount, reading: inputs, writing: outputs)
  }

  func overwritableInputs(of count: Int) -> [Int] { [0] }
  var takesRowStrides: Bool { true }

  func prepare(_ context: PreparationContext) -> PreparedOperator {
    let shape = context.inputs[0].shape
    let (height, width, channels) = (shape.height, shape.width, shape.channels)
    return PreparedOperator { context in
      let (x, y, shift) = (context.input(0), context.output(), context.input(1).floats)
      let device = context.device
      device.workers.forEachRange(shape.batch * height, grain: max(1, 65536 / (width * channels))) { rows, _ in
        for row in rows {
          let (from, to) = (x.floats + row * width * x.rowStride, y.floats + row * width * y.rowStride)
          if UnsafePointer(to) != from {
            for column in 0..<width {
              (to + column * y.rowStride).update(from: from + column * x.rowStride, count: channels)
            }
          }
          let place = row % height
          let band = place == 0 ? 0 : place == height - 1 ? 2 : 1
          func add(_ columns: some Sequence<Int>, _ kind: Int) {
            for column in columns {
              let pixel = to + column * y.rowStride
              device.kernels.combine(
                .add, pixel, pStep: 1, shift + (band * 3 + kind) * channels, qStep: 1, pixel, count: channels)
            }
          }
          add(CollectionOfOne(0), 0)
          if band != 1 { add(1..<width - 1, 1) }
          add(CollectionOfOne(width - 1), 2)
        }
      }
    }
  }
}

extension BorderBiasCorrection {
  func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    index == 0 ? .samePixel(of: inputs[0]) : .none
  }
}
