/// The operands of one run of a convolution. Maps are `[batch, height, width, channels]`; pixels are counted over the whole batch, row by
/// row.
public struct ConvolutionRun {
  let device: ComputeDevice
  /// The input.
  public let x: UnsafePointer<Float>
  /// Floats from one input pixel to the next.
  public let xStride: Int
  /// The packed weights, or weights as they are.
  public let weights: UnsafePointer<Float>
  /// Whether the weights are packed. Those that the network computes are unpacked for an algorithm that packs them itself
  /// (``ConvolutionAlgorithm/packsWhileRunning``).
  public var isPacked = true
  /// Bias, residual and function. Rows of the residual are output pixels.
  let epilogue: Epilogue
  /// The destination of the output pixels.
  let result: Destination
  /// The destination of the maxima of 2 × 2 outputs, if the algorithm pools too: ``PoolingConvolution/pool``.
  var pooled: UnsafeMutablePointer<Float>? = nil
  /// Floats from one pooled pixel to the next.
  var pooledStride = 0

  /// The vector kernels.
  var kernels: any Kernels { device.kernels }
  /// The output.
  public var y: UnsafeMutablePointer<Float> { result.y }
  /// Floats from one output pixel to the next.
  public var yStride: Int { result.stride }
  /// The threads that the work is split over.
  public var workers: WorkerPool { device.workers }

  /// Whether the sums are to be added to the output, because the residual is in its memory. Otherwise they are stored.
  public var accumulates: Bool { epilogue.residual == UnsafePointer(result.y) }

  /// Applies bias, residual and function in place to the sums of `rows` pixels, beginning at the output's pixel `pixel`. A residual in the
  /// output's memory (``accumulates``) has been added before.
  public func finish(pixel: Int, rows: Int, channels: Int) {
    var epilogue = epilogue.part(row: pixel)
    if accumulates { epilogue.residual = nil }
    guard !epilogue.isIdentity else { return }
    let target = result.part(row: pixel)
    kernels.affine(target.y, xStride: target.stride, epilogue, into: target, rows: rows, channels: channels)
  }

  /// Computes the product of rows with packed weights and applies the epilogue. It gives `count` pixels beginning at the output's pixel
  /// `pixel`, with `channels` channels beginning at `firstChannel`.
  func product(
    _ rows: PanelOperands.Rows, pixel: Int, count: Int, taps: Int = 1, depth: Int, panels: UnsafePointer<Float>,
    firstChannel: Int = 0, channels: Int
  ) {
    kernels.panelProduct(
      PanelOperands(
        rows: rows, rowCount: count, taps: taps, depth: depth, panels: panels, columns: channels,
        epilogue: epilogue.part(row: pixel, column: firstChannel),
        into: result.part(row: pixel, column: firstChannel)))
  }
}
