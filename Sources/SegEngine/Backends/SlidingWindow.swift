/// A kernel-shaped window that slides over one image, for depthwise convolution, pooling and im2col.
///
/// Output row *y* reads input rows `y · strideHeight − paddingTop + k · dilationHeight`, k = 0 ..< kernelHeight; columns
/// likewise. Rows and columns outside the image are padding.
package struct SlidingWindow: Sendable, Hashable {
  /// Extent of the image in pixels.
  package var inputHeight, inputWidth: Int
  /// Elements from one input pixel to the next: at least the number of channels.
  package var pixelStride: Int
  /// The geometry of kernel, stride, dilation and padding.
  package var geometry: ConvolutionGeometry
  /// The number of outputs along the width.
  package var outputWidth: Int
  /// Rows of the ring buffer that holds the image: row r is at r modulo this. 0 if all rows are in memory. Only depthwise convolution
  /// supports ring buffers.
  package var ringRows = 0

  /// Makes a window over images of `inputHeight` × `inputWidth` pixels.
  package init(inputHeight: Int, inputWidth: Int, pixelStride: Int, geometry: ConvolutionGeometry, outputWidth: Int) {
    self.inputHeight = inputHeight
    self.inputWidth = inputWidth
    self.pixelStride = pixelStride
    self.geometry = geometry
    self.outputWidth = outputWidth
  }
}
