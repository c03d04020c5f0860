import SegEngine

extension Image {
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
