// Shared parts of pooling operators with sliding windows.

extension Operator {
  /// Computes the output shape of pooling a feature map.
  func pooledShape(
    _ input: TensorSpec, _ geometry: ConvolutionGeometry, roundingUp: Bool
  ) throws(ShapeError) -> Shape {
    try requireFeatureMap(input)
    let size = geometry.outputSize(
      of: Extent2D(height: input.shape.height, width: input.shape.width), roundingUp: roundingUp)
    try require(
      size.height > 0 && size.width > 0,
      "a window of \(geometry) does not fit \(input.shape): the output would be \(size.height)×\(size.width)")
    return try shape([input.shape.batch, size.height, size.width, input.shape.channels])
  }
}

extension SlidingWindow {
  /// Calls `pool` for each row of the pooled map `y`, split over the workers. Arguments: the window over `x`, the image, the row in it, and
  /// the row's first pixel, counted through the batch.
  static func forEachRow(
    of y: MutableTensorView, from x: TensorView, _ geometry: ConvolutionGeometry, over workers: WorkerPool,
    _ pool: (_ window: SlidingWindow, _ image: UnsafePointer<Float>, _ outputRow: Int, _ pixel: Int) -> Void
  ) {
    let (height, width, channels) = (y.shape.height, y.shape.width, y.shape.channels)
    let window = SlidingWindow(
      inputHeight: x.shape.height, inputWidth: x.shape.width, pixelStride: x.rowStride, geometry: geometry,
      outputWidth: width)
    let plane = x.shape.height * x.shape.width * x.rowStride
    let work = width * channels * geometry.kernel.height * geometry.kernel.width
    workers.forEachRange(x.shape.batch * height, grain: max(1, 16384 / max(1, work))) { rows, _ in
      for row in rows {
        let (image, outputRow) = row.quotientAndRemainder(dividingBy: height)
        pool(window, x.floats + image * plane, outputRow, row * width)
      }
    }
  }
}
