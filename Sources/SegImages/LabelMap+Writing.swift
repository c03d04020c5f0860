import SegEngine

extension LabelMap {
  /// Writes the labels as PNG: as 8-bit palette indices, or as 16-bit grey values if a label exceeds 255.
  /// `init(contentsOf:reading:limits:)` gives the same labels in both cases.
  ///
  /// A file at `path` is replaced atomically; on failure it stays as it was.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - palette: The colours in which viewers show the labels. It is not used if a label exceeds 255.
  /// - Throws: ``ImageError`` if the file cannot be written, or the map has no pixels.
  public func writePNG(to path: String, palette: Palette = .distinct) throws(ImageError) {
    try PNGEncoder.write(to: path) { () throws(ImageError) in try pngBytes(palette: palette) }
  }

  /// Encodes the labels as a PNG file, as ``writePNG(to:palette:)-(String,_)`` writes it.
  ///
  /// - Throws: ``ImageError`` if the map has no pixels.
  public func pngBytes(palette: Palette = .distinct) throws(ImageError) -> [UInt8] {
    guard width > 0, height > 0 else {
      throw ImageError(nil, .cannotEncode(reason: "a label map of \(width)×\(height) has no pixels"))
    }
    let highest = Int(labels.max() ?? 0)
    guard highest <= 255 else {
      return try PNGEncoder.encode(Image(width: width, height: height, layout: .grey, samples: .uint16(labels)))
    }
    // Labels beyond the palette have a colour too. Every label up to the highest gets an entry.
    let colors = (0...max(highest, palette.colors.count - 1)).map { palette[UInt16($0)] }
    return try PNGEncoder.encode(indices: labels.map { UInt8($0) }, width: width, height: height, palette: colors)
  }
}
