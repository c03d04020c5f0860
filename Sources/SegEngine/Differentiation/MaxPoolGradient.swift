/// The gradient of a max pooling: each output's gradient goes to the first maximum of its window.
///
/// Inputs: dy `[batch, outHeight, outWidth, channels]` and the pooled map x `[batch, height, width, channels]`. Output: the shape of x. The
/// indices of the maxima are computed again, so that they need not be kept.
package struct MaxPoolGradient: Operator {
  package static let name = "MaxPoolGradient"

  /// The pooling.
  package let pool: MaxPool

  package init(_ pool: MaxPool) { self.pool = MaxPool(pool.geometry, roundingUp: pool.roundingUp) }

  package var attributes: String { pool.attributes }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 2...2)
    let pooled = try pool.outputs(for: [inputs[1]])[0]
    try require(inputs[0] == pooled, "the gradient of \(pool.attributes) pooling is \(pooled), not \(inputs[0])")
    return [inputs[1]]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    let taps = pool.geometry.kernel.height * pool.geometry.kernel.width
    return Cost(
      otherOperations: inputs[0].shape.elementCount * (taps + 1), reading: inputs, writing: outputs)
  }

  package var takesRowStrides: Bool { true }

  /// Channels that a worker takes where windows overlap, so that no two write the same element: two cache lines.
  private static let chunk = 32

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (dy, x) = (context.inputs[0].shape, context.inputs[1].shape)
    let geometry = pool.geometry
    let span = (geometry.kernel.height - 1) * geometry.dilation.height + 1
    // Where the windows of two rows of outputs share no row of the input, rows are shared out, else channels.
    let sharesRows = span > geometry.stride.height
    let channels = sharesRows ? min(MaxPoolGradient.chunk, x.channels) : x.channels
    let chunks = (x.channels + channels - 1) / channels
    // The maxima of a row of outputs and their indices, for each worker.
    let lineCount = (dy.width * channels + 15) / 16 * 16
    return PreparedOperator(
      workspaceByteCount: ElementType.float32.byteCount(of: 2 * lineCount * context.workers.threadCount)
    ) { context in
      let line = MaxPoolGradientRows(
        geometry, dy: context.input(0), x: context.input(1), dx: context.output(), on: context.device)
      let scratch = context.scratch
      func memory(_ worker: Int) -> (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Int32>) {
        let maxima = scratch + 2 * lineCount * worker
        return (
          maxima, UnsafeMutableRawPointer(maxima + lineCount).bindMemory(to: Int32.self, capacity: lineCount)
        )
      }
      if sharesRows {
        context.workers.forEach(x.batch * chunks) { index, worker in
          let (image, part) = index.quotientAndRemainder(dividingBy: chunks)
          let own = part * channels..<min(x.channels, (part + 1) * channels)
          line.clear(image: image, rows: 0..<x.height, own)
          for row in 0..<dy.height { line.scatter(image: image, row: row, own, in: memory(worker)) }
        }
      } else {
        context.workers.forEach(x.batch * dy.height) { index, worker in
          let (image, row) = index.quotientAndRemainder(dividingBy: dy.height)
          let first = row == 0 ? 0 : row * geometry.stride.height - geometry.padding.top
          let next = row == dy.height - 1 ? x.height : (row + 1) * geometry.stride.height - geometry.padding.top
          line.clear(
            image: image, rows: min(max(first, 0), x.height)..<min(max(next, first, 0), x.height), 0..<x.channels)
          line.scatter(image: image, row: row, 0..<x.channels, in: memory(worker))
        }
      }
    }
  }
}

/// The rows of one run.
private struct MaxPoolGradientRows {
  private let dy, x: TensorView
  private let dx: MutableTensorView
  private let window: SlidingWindow
  private let device: ComputeDevice

  init(_ geometry: ConvolutionGeometry, dy: TensorView, x: TensorView, dx: MutableTensorView, on device: ComputeDevice)
  {
    (self.dy, self.x, self.dx, self.device) = (dy, x, dx, device)
    window = SlidingWindow(
      inputHeight: x.shape.height, inputWidth: x.shape.width, pixelStride: x.rowStride, geometry: geometry,
      outputWidth: dy.shape.width)
  }

  /// Sets channels of rows of the result to zero.
  func clear(image: Int, rows: Range<Int>, _ channels: Range<Int>) {
    let width = x.shape.width
    let target = dx.floats + (image * x.shape.height * width) * dx.rowStride + channels.lowerBound
    for pixel in rows.lowerBound * width..<rows.upperBound * width {
      (target + pixel * dx.rowStride).update(repeating: 0, count: channels.count)
    }
  }

  /// Adds the gradients of a row of outputs to their maxima.
  func scatter(
    image: Int, row: Int, _ channels: Range<Int>,
    in memory: (maxima: UnsafeMutablePointer<Float>, indices: UnsafeMutablePointer<Int32>)
  ) {
    let (count, first) = (channels.count, image * x.shape.height * x.shape.width)
    device.kernels.maxPool(
      window, image: x.floats + first * x.rowStride + channels.lowerBound, outputRow: row, channels: count,
      memory.maxima, yStride: count, indices: memory.indices, indexStride: count)
    let source = dy.floats + (image * dy.shape.height + row) * dy.shape.width * dy.rowStride + channels.lowerBound
    let target = dx.floats + first * dx.rowStride + channels.lowerBound
    let pixels = x.shape.height * x.shape.width
    for column in 0..<dy.shape.width {
      for channel in 0..<count {
        let place = column * count + channel
        let index = Int(memory.indices[place])
        // A window that covers only padding has no maximum.
        guard index >= 0, index < pixels, memory.maxima[place] > -.infinity || memory.maxima[place].isNaN else {
          continue
        }
        target[index * dx.rowStride + channel] += source[column * dy.rowStride + channel]
      }
    }
  }
}
