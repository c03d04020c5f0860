/// A kernel-shaped window that slides over one image: how depthwise convolution, pooling and im2col walk their input.
///
/// Output row *y* reads input rows `y · strideHeight − paddingTop + k · dilationHeight`, k = 0 ..< kernelHeight; columns
/// likewise. Rows and columns outside the image are padding.
package struct SlidingWindow: Sendable, Hashable {
  /// Extent of the image in pixels.
  package var inputHeight, inputWidth: Int
  /// Elements from one input pixel to the next: at least the channels that are read.
  package var pixelStride: Int
  /// The geometry of kernel, stride, dilation and padding.
  package var geometry: ConvolutionGeometry
  /// Outputs along the width.
  package var outputWidth: Int
  /// Rows of a ring buffer that holds the image: row r lies at r modulo this. 0 where all rows are in memory. Only depthwise
  /// convolution supports it.
  package var ringRows = 0

  /// Describes a window over images of `inputHeight` × `inputWidth` pixels.
  package init(inputHeight: Int, inputWidth: Int, pixelStride: Int, geometry: ConvolutionGeometry, outputWidth: Int) {
    self.inputHeight = inputHeight
    self.inputWidth = inputWidth
    self.pixelStride = pixelStride
    self.geometry = geometry
    self.outputWidth = outputWidth
  }
}
