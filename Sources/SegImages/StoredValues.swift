import SegEngine
import SegFiles

/// The stored values of a file of one channel: palette indices or grey values, unscaled, in the upright orientation.
struct StoredValues {
  enum Values {
    case uint8([UInt8])
    case uint16([UInt16])
    /// Numbers of all other types; integers up to 2⁵³ are exact.
    case float64([Double])

    var count: Int {
      switch self {
      case .uint8(let values): values.count
      case .uint16(let values): values.count
      case .float64(let values): values.count
      }
    }
  }

  let width, height: Int
  /// `height * width` values, from the top row.
  let values: Values
  /// Whether the values are palette indices.
  let areIndices: Bool

  init(width: Int, height: Int, _ values: Values, areIndices: Bool = false) {
    self.areIndices = areIndices
    precondition(values.count == width * height, "\(values.count) values for \(width)×\(height)")
    self.width = width
    self.height = height
    self.values = values
  }

  /// Reads the stored values of an image file's first page or frame. It returns `nil` if pixels have several values, or if the values are
  /// not stored as such: colours, alpha, lossy formats (JPEG, HEIF), and WebP, which has only colours.
  ///
  /// - Throws: ``ImageError`` as reading an image does.
  static func reading(
    _ file: FileBytes, _ format: PixelFormat, named path: String, limits: ImageLimits,
    _ warnings: inout [ImageWarning.Kind]
  ) throws(ImageError) -> StoredValues? {
    switch format {
    case .png:
      let decoder = try PNGDecoder(file, named: path, limits: limits)
      return decoder.hasColor || decoder.hasAlpha ? nil : try decoder.decodeStoredValues()
    case .tiff:
      let decoder = try TIFFDecoder(file, named: path, limits: limits, &warnings)
      return decoder.isSingleChannel ? try decoder.decodeStoredValues() : nil
    case .bmp:
      let decoder = try BMPDecoder(file, named: path, limits: limits)
      return decoder.isPalette ? try decoder.decodeStoredValues() : nil
    case .gif: return try GIFDecoder(file, named: path, limits: limits).decodeStoredValues(&warnings)
    case .netpbm:
      let decoder = try NetpbmDecoder(file, named: path, limits: limits)
      return decoder.isSingleChannel ? try decoder.decodeStoredValues() : nil
    case .numpy: return try NumPyImage.storedValues(file, named: path, limits: limits)
    case .jpeg, .webp, .heif, .avif: return nil
    }
  }

  /// Returns the values of a file with this orientation in the order of the picture.
  func applying(_ orientation: ImageOrientation) -> StoredValues {
    let (newWidth, newHeight) = orientation.swapsAxes ? (height, width) : (width, height)
    let values: Values =
      switch values {
      case .uint8(let values): .uint8(turned(values, orientation))
      case .uint16(let values): .uint16(turned(values, orientation))
      case .float64(let values): .float64(turned(values, orientation))
      }
    return StoredValues(width: newWidth, height: newHeight, values, areIndices: areIndices)
  }

  private func turned<Value>(_ values: [Value], _ orientation: ImageOrientation) -> [Value] {
    orientation.turned(values, width: width, height: height, channels: 1)
  }

  /// Converts the values to labels. Negative numbers become `LabelMap.unlabelled`.
  ///
  /// - Parameters:
  ///   - path: The name of the file in error messages.
  ///   - areForeground: Whether every value that is not zero becomes label 1.
  /// - Throws: ``ImageError`` if a value is a fraction, not a number, or above 65535.
  func labels(of path: String, areForeground: Bool = false) throws(ImageError) -> LabelMap {
    let labels: [UInt16]
    switch values {
    case .uint8(let values): labels = areForeground ? values.map { $0 == 0 ? 0 : 1 } : values.map { UInt16($0) }
    case .uint16(let values): labels = areForeground ? values.map { $0 == 0 ? 0 : 1 } : values
    case .float64(let values):
      func label(_ value: Double) -> UInt16? {
        if value < 0, value == value.rounded() { return LabelMap.unlabelled }
        if areForeground, value >= 0 { return value == 0 ? 0 : 1 }
        return UInt16(exactly: value)
      }
      if let wrong = values.firstIndex(where: { label($0) == nil }) {
        let number = values[wrong]
        let text = number == number.rounded() && abs(number) < 1e15 ? "\(Int64(number))" : "\(number)"
        throw ImageError(
          path,
          .notLabels(
            reason: "its value \(text) (column \(wrong % width), row \(wrong / width)) is no label from 0 to 65535"))
      }
      labels = values.map { label($0)! }
    }
    return LabelMap(width: width, height: height, labels: labels)
  }
}
