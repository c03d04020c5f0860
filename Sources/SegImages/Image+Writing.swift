import SegEngine

extension Image {
  /// The contents of a PNG file of the image, with its own layout and 8 or 16 bits a sample.
  ///
  /// - Throws: ``ImageError`` where PNG has no image of this size.
  public func pngBytes() throws(ImageError) -> [UInt8] { try PNGEncoder.encode(self) }

  /// Writes the image as PNG, with its own layout and 8 or 16 bits a sample, so that reading it gives the same image
  /// back.
  ///
  /// A file at `path` is replaced in one step; where anything fails it stays as it was.
  ///
  /// - Throws: ``ImageError`` where the file cannot be written.
  public func writePNG(to path: String) throws(ImageError) {
    try PNGEncoder.write(to: path) { () throws(ImageError) in try PNGEncoder.encode(self) }
  }
}
