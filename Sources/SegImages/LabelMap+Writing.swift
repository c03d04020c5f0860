import SegEngine

extension LabelMap {
  /// Writes the labels as PNG: as indices into a palette of 8 bits, or as 16-bit grey values where a label exceeds 255.
  /// Either way `init(contentsOf:reading:limits:)` gives the same labels back.
  ///
  /// A file at `path` is replaced in one step; where anything fails it stays as it was.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - palette: The colours in which viewers show the labels; not used where a label exceeds 255.
  /// - Throws: ``ImageError`` where the file cannot be written, or the map has no pixels.
  public func writePNG(to path: String, palette: Palette = .pascalVOC) throws(ImageError) {
    guard width > 0, height > 0 else {
      throw ImageError(path, .cannotEncode(reason: "a label map of \(width)×\(height) has no pixels"))
    }
    try PNGEncoder.write(to: path) { () throws(ImageError) in
      let highest = Int(labels.max() ?? 0)
      guard highest <= 255 else {
        return try PNGEncoder.encode(Image(width: width, height: height, layout: .grey, samples: .uint16(labels)))
      }
      // Labels beyond the palette have a colour too, so every label that occurs gets an entry.
      let colors = (0...max(highest, palette.colors.count - 1)).map { palette[UInt16($0)] }
      return try PNGEncoder.encode(
        indices: labels.map { UInt8($0) }, width: width, height: height, palette: colors)
    }
  }
}
