import SegEngine

/// A method that computes the messages from all pixels to each pixel.
protocol PairwiseMessages {
  /// Takes the marginals `[pixel, stride]` of the previous iteration.
  mutating func prepare(_ marginals: Tensor)

  /// Writes log p + messages of a range of pixels, `[pixel, stride]`. May be called from several threads at once.
  func write(_ pixels: Range<Int>, to rows: UnsafeMutablePointer<Float>)
}
