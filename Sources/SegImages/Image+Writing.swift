import SegEngine

extension Image {
  /// Encodes the image as a PNG file, with its own layout and 8 or 16 bits per sample.
  ///
  /// - Throws: ``ImageError`` if PNG does not support the image's size.
  public func pngBytes() throws(ImageError) -> [UInt8] { try PNGEncoder.encode(self) }

  /// Writes the image as PNG, with its own layout and 8 or 16 bits per sample. Reading the file gives the same image.
  ///
  /// A file at `path` is replaced atomically; on failure it stays as it was.
  ///
  /// - Throws: ``ImageError`` if the file cannot be written.
  public func writePNG(to path: String) throws(ImageError) {
    try PNGEncoder.write(to: path) { () throws(ImageError) in try PNGEncoder.encode(self) }
  }
}
