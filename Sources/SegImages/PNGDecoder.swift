import CPNGShim
import SegEngine
import SegFiles

/// A PNG file with a validated header and an accepted size.
///
/// The pixels can be read only once, so only one of the `decode` functions may be called, once.
final class PNGDecoder {
  private let file: FileBytes
  private let path: String
  private let reader: OpaquePointer
  private let header: segio_png_header

  init(_ file: FileBytes, named path: String, limits: ImageLimits) throws(ImageError) {
    var header = segio_png_header()
    var message = MessageBuffer(capacity: Int(SEGIO_PNG_MESSAGE_SIZE))
    guard let reader = segio_png_open(file.bytes.baseAddress, file.count, &header, &message.bytes) else {
      throw ImageError(path, .corrupt(format: "PNG", reason: message.text))
    }
    self.file = file
    self.path = path
    self.reader = reader
    self.header = header
    let width = Int(header.width)
    let height = Int(header.height)
    try limits.check(width: width, height: height, of: path)
    // Deflate expands two codes of one bit each to at most 258 bytes (RFC 1951). A file that is too short for these pixels is refused
    // before memory is allocated.
    let storedBytes = Double(width) * Double(height) * Double(Int(header.bit_depth) * storedChannels) / 8
    guard storedBytes / 1032 <= Double(file.count) else {
      throw ImageError(
        path, .corrupt(format: "PNG", reason: "\(file.count) bytes cannot hold \(width)×\(height) pixels"))
    }
  }

  deinit { segio_png_close(reader) }

  /// Whether pixels have red, green and blue samples in the file.
  var hasColor: Bool { header.has_color }
  /// Whether pixels have an alpha sample in the file.
  var hasAlpha: Bool { header.has_alpha }

  private var storedChannels: Int { (header.has_color ? 3 : 1) + (header.has_alpha ? 1 : 0) }

  /// Decodes the image in its upright orientation. Palettes are expanded, transparency becomes alpha, fewer than 8 bits are scaled to 8,
  /// and 16 bits are exact.
  func decodeColors(_ warnings: inout [ImageWarning.Kind]) throws(ImageError) -> Image {
    let hasAlpha = header.has_alpha || header.has_transparency
    let layout: Image.ChannelLayout =
      header.has_color || header.is_palette ? (hasAlpha ? .rgba : .rgb) : (hasAlpha ? .greyAlpha : .grey)
    let samples: Image.Samples =
      header.bit_depth == 16
      ? .uint16(try decode16(segio_png_colors, channels: layout.count))
      : .uint8(try decode8(segio_png_colors, channels: layout.count))
    let image = Image(width: Int(header.width), height: Int(header.height), layout: layout, samples: samples)
    if header.bit_depth == 16, let largest = samples.largest, let warning = image.rangeWarning(largest: largest) {
      warnings.append(warning)
    }
    return image.applying(orientation)
  }

  /// Decodes palette indices or grey values as stored: unscaled, in the upright orientation.
  ///
  /// - Precondition: the file has neither colour nor alpha samples.
  func decodeStoredValues() throws(ImageError) -> StoredValues {
    precondition(storedChannels == 1, "stored values are those of a single channel")
    let values: StoredValues.Values =
      header.bit_depth == 16
      ? .uint16(try decode16(segio_png_raw_values, channels: 1))
      : .uint8(try decode8(segio_png_raw_values, channels: 1))
    return StoredValues(width: Int(header.width), height: Int(header.height), values, areIndices: header.is_palette)
      .applying(
        orientation)
  }

  /// The orientation of the file's EXIF block, which is a chunk or text, or of its XMP packet. It may follow the pixels, so it is read
  /// after them.
  private var orientation: ImageOrientation {
    var metadata = segio_png_metadata()
    segio_png_metadata_of(reader, &metadata)
    let exif: [UInt8] =
      if let exif = metadata.exif {
        Array(UnsafeBufferPointer(start: exif, count: metadata.exif_count))
      } else {
        metadata.hexadecimal_exif.map { PNGDecoder.bytes(ofProfile: String(cString: $0)) } ?? []
      }
    return ImageOrientation(exif: exif, xmp: metadata.xmp.map { Array(String(cString: $0).utf8) } ?? [])
  }

  /// Returns the bytes of a profile in text: hexadecimal digits after an empty line, the profile's name and its size.
  private static func bytes(ofProfile text: String) -> [UInt8] {
    let lines = text.split(separator: "\n", maxSplits: 3, omittingEmptySubsequences: false)
    guard lines.count == 4 else { return [] }
    let digits = lines[3].compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }

  private func decode8(_ delivery: segio_png_delivery, channels: Int) throws(ImageError) -> [UInt8] {
    try decode(delivery, channels: channels)
  }

  private func decode16(_ delivery: segio_png_delivery, channels: Int) throws(ImageError) -> [UInt16] {
    try decode(delivery, channels: channels)
  }

  private func decode<Sample: FixedWidthInteger>(
    _ delivery: segio_png_delivery, channels: Int
  ) throws(ImageError) -> [Sample] {
    var message = MessageBuffer(capacity: Int(SEGIO_PNG_MESSAGE_SIZE))
    let rowSamples = Int(header.width) * channels
    var samples = [Sample](repeating: 0, count: Int(header.height) * rowSamples)
    let rowBytes = rowSamples * MemoryLayout<Sample>.size
    guard segio_png_read(reader, delivery, &samples, rowBytes, &message.bytes) else {
      throw ImageError(path, .corrupt(format: "PNG", reason: message.text))
    }
    return samples
  }
}
