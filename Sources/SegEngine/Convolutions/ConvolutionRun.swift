/// The operands of one run of a convolution. Maps are `[batch, height, width, channels]`; pixels are counted over the whole batch, row by
/// row.
public struct ConvolutionRun {
  let device: ComputeDevice
  /// The input.
  public let x: UnsafePointer<Float>
  /// Floats from one input pixel to the next.
  public let xStride: Int
  /// The packed weights.
  public let weights: UnsafePointer<Float>
  /// Bias, residual and function. Rows of the residual are output pixels.
  let epilogue: Epilogue
  /// Where the output pixels go.
  let result: Destination
  /// Where the maxima of 2 × 2 outputs go, where the algorithm is to pool too: ``PoolingConvolution/pool``.
  var pooled: UnsafeMutablePointer<Float>? = nil
  /// Floats from one pooled pixel to the next.
  var pooledStride = 0

  /// The vector kernels.
  var kernels: any Kernels { device.kernels }
  /// The output.
  public var y: UnsafeMutablePointer<Float> { result.y }
  /// Floats from one output pixel to the next.
  public var yStride: Int { result.stride }
  /// The threads that share the work.
  public var workers: WorkerPool { device.workers }

  /// Whether the residual lies where the output goes.
  var addsInPlace: Bool { epilogue.residual == UnsafePointer(result.y) }

  /// Whether the output holds a residual to which the sums are to be added. Where it does not, they are to be stored.
  public var accumulates: Bool { addsInPlace }

  /// Applies bias, residual and function to the sums of `rows` pixels from the output's pixel `pixel` on, in place. A residual that lies
  /// there (``accumulates``) has been added before.
  public func finish(pixel: Int, rows: Int, channels: Int) {
    var epilogue = epilogue.part(row: pixel)
    if addsInPlace { epilogue.residual = nil }
    guard !epilogue.isIdentity else { return }
    let target = result.part(row: pixel)
    kernels.affine(target.y, xStride: target.stride, epilogue, into: target, rows: rows, channels: channels)
  }

  /// The product of rows with packed weights that gives `count` pixels from the output's pixel `pixel` on, `channels` channels from
  /// `firstChannel` on, with the epilogue.
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
