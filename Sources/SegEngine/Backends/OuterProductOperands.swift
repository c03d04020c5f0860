/// Sums of outer products of the channels of pixels, by which the gradient of a convolution's weights is computed: S[i, o] is the sum over
/// r and c of x[r · xRow + c · xStride + i] · y[r · yRow + c · yStride + o].
package struct OuterProductOperands {
  /// The first pixel of x.
  package var x: UnsafePointer<Float>
  /// Floats from a pixel of x to the next, and from a row of pixels to the next.
  package var xStride, xRow: Int
  /// The first pixel of y.
  package var y: UnsafePointer<Float>
  /// Floats from a pixel of y to the next, and from a row of pixels to the next.
  package var yStride, yRow: Int
  /// The rows of pixels, and the pixels of each.
  package var rows, columns: Int
  /// The channels of x.
  package var inputs: Int
  /// The channels of y, a multiple of ``PanelLayout/unit``.
  package var outputs: Int
  /// The address of S[0, 0].
  package var sums: UnsafeMutablePointer<Float>
  /// Floats from S[i, …] to S[i + 1, …].
  package var sumStride: Int
  /// The number of inputs whose sums lie `sumStride` apart, before the next such run begins `runStride` floats after this one.
  package var run, runStride: Int
  /// Whether the sums are added to the contents of the memory.
  package var accumulates: Bool
}
