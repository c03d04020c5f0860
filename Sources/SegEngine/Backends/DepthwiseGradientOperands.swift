/// The gradient of some taps of a row of a depthwise kernel: S[t, c] increases by the sum over r and p of
/// x[r · xRow + p · xStride + t · tapStride + c] · y[r · yRow + p · yStride + c].
package struct DepthwiseGradientOperands {
  /// The pixel of the first tap.
  package var x: UnsafePointer<Float>
  /// Floats from a pixel of x to the next, from a row of pixels to the next, and from a tap to the next.
  package var xStride, xRow, tapStride: Int
  /// The first pixel of y.
  package var y: UnsafePointer<Float>
  /// Floats from a pixel of y to the next, and from a row of pixels to the next.
  package var yStride, yRow: Int
  /// The rows of pixels, and the pixels of each.
  package var rows, columns: Int
  /// The number of taps.
  package var taps: Int
  /// The number of channels, a multiple of ``PanelLayout/unit``.
  package var channels: Int
  /// The address of S[0, 0].
  package var sums: UnsafeMutablePointer<Float>
  /// Floats from S[t, …] to S[t + 1, …].
  package var sumStride: Int
}
