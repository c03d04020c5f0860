import SegEngine

extension LabelMap {
  /// What makes a label out of a pixel of a mask file.
  public enum Reading: Sendable, Hashable {
    /// The stored value is the label: a palette index or a grey value, unscaled. Colour and alpha are refused.
    case storedValue
    /// Label 1 where the palette index, the grey value or any of red, green and blue is not zero; 0 elsewhere. Alpha is
    /// not looked at.
    case nonZeroIsForeground
    /// Label 1 where alpha is not zero, 0 elsewhere. Files without alpha are refused.
    case alphaIsForeground
  }

  /// Reads a mask from a PNG or TIFF file (its first page).
  ///
  /// JPEG files are refused: their compression changes labels.
  ///
  /// - Parameters:
  ///   - path: A file, or a pipe that is read to its end.
  ///   - reading: How pixels become labels.
  ///   - limits: Beyond these the file is refused before memory is set aside for it.
  /// - Throws: ``ImageError`` where the file cannot be read, is damaged or too large, or holds no labels in that
  ///   reading.
  public init(
    contentsOf path: String, reading: Reading = .storedValue, limits: ImageLimits = .default
  ) throws(ImageError) {
    try self.init(try FileBytes(image: path, limits: limits), named: path, reading: reading, limits: limits)
  }

  /// Decodes a mask from the contents of a PNG or TIFF file.
  ///
  /// - Parameters:
  ///   - bytes: The file's contents.
  ///   - name: What error messages call them.
  ///   - reading: How pixels become labels.
  ///   - limits: Beyond these the mask is refused before memory is set aside for it.
  /// - Throws: ``ImageError``, as `init(contentsOf:reading:limits:)` does.
  public init(
    decoding bytes: [UInt8], named name: String = "mask", reading: Reading = .storedValue,
    limits: ImageLimits = .default
  ) throws(ImageError) {
    try self.init(FileBytes(bytes), named: name, reading: reading, limits: limits)
  }

  private init(
    _ file: FileBytes, named path: String, reading: Reading, limits: ImageLimits
  ) throws(ImageError) {
    switch try PixelFormat(of: file, named: path) {
    case .jpeg:
      throw ImageError(path, .notLabels(reason: "JPEG compression changes labels; use PNG or TIFF"))
    case .png:
      let decoder = try PNGDecoder(file, named: path, limits: limits)
      if reading != .alphaIsForeground && !decoder.hasColor && !decoder.hasAlpha {
        self = LabelMap(stored: try decoder.decodeRawValues(), reading: reading)
      } else {
        self = try LabelMap(image: try decoder.decodeColors(), reading: reading, path: path)
      }
    case .tiff:
      let decoder = try TIFFDecoder(file, named: path, limits: limits)
      if reading != .alphaIsForeground && decoder.isSingleChannel {
        self = LabelMap(stored: try decoder.decodeRawValues(), reading: reading)
      } else {
        self = try LabelMap(image: try decoder.decodeColors(), reading: reading, path: path)
      }
    }
  }

  private init(stored: LabelMap, reading: Reading) {
    self = stored
    guard reading == .nonZeroIsForeground else { return }
    for index in labels.indices where labels[index] > 1 { labels[index] = 1 }
  }

  private init(image: Image, reading: Reading, path: String) throws(ImageError) {
    let layout = image.layout
    let hasAlpha = layout.hasAlpha
    let channels: Range<Int>
    switch reading {
    case .storedValue:
      let kind = layout == .greyAlpha ? "grey with alpha" : hasAlpha ? "RGB with alpha" : "RGB"
      throw ImageError(
        path,
        .notLabels(
          reason: "its pixels are \(kind), so no single value is the label; read it as non-zero or alpha foreground"))
    case .nonZeroIsForeground: channels = 0..<(layout.count - (hasAlpha ? 1 : 0))
    case .alphaIsForeground:
      guard hasAlpha else {
        throw ImageError(path, .notLabels(reason: "it has no alpha channel to take foreground from"))
      }
      channels = (layout.count - 1)..<layout.count
    }
    let labels: [UInt16] =
      switch image.samples {
      case .uint8(let samples): LabelMap.foreground(samples, channels, of: layout.count)
      case .uint16(let samples): LabelMap.foreground(samples, channels, of: layout.count)
      case .float32(let samples): LabelMap.foreground(samples, channels, of: layout.count)
      }
    self.init(width: image.width, height: image.height, labels: labels)
  }

  private static func foreground<Sample: Numeric>(
    _ samples: [Sample], _ channels: Range<Int>, of count: Int
  ) -> [UInt16] {
    stride(from: 0, to: samples.count, by: count).map { pixel in
      channels.contains { samples[pixel + $0] != 0 } ? 1 : 0
    }
  }
}
