import CPNGShim
import SegEngine

/// A PNG file whose header has been read and whose size has been found acceptable.
///
/// The reader behind it delivers pixels once, so one of the `decode` functions is called, once.
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
    // Deflate gives at most 258 bytes for two codes of a bit each (RFC 1951), so a file this short cannot hold these
    // pixels, and no memory is set aside for them.
    let storedBytes = Double(width) * Double(height) * Double(Int(header.bit_depth) * storedChannels) / 8
    guard storedBytes / 1032 <= Double(file.count) else {
      throw ImageError(
        path, .corrupt(format: "PNG", reason: "\(file.count) bytes cannot hold \(width)×\(height) pixels"))
    }
  }

  deinit { segio_png_close(reader) }

  /// Whether pixels have red, green and blue samples in the file.
  var hasColor: Bool { header.has_color }
  /// Whether pixels are indices into a palette.
  var hasPalette: Bool { header.is_palette }
  /// Whether pixels have an alpha sample in the file.
  var hasAlpha: Bool { header.has_alpha }

  private var storedChannels: Int { (header.has_color ? 3 : 1) + (header.has_alpha ? 1 : 0) }

  /// The image with its colours: palettes expanded, transparency as alpha, fewer than 8 bits scaled to 8, 16 bits
  /// exact.
  func decodeColors() throws(ImageError) -> Image {
    let hasAlpha = header.has_alpha || header.has_transparency
    let layout: Image.ChannelLayout =
      header.has_color || header.is_palette ? (hasAlpha ? .rgba : .rgb) : (hasAlpha ? .greyAlpha : .grey)
    let samples: Image.Samples =
      header.bit_depth == 16
      ? .uint16(try decode16(segio_png_colors, channels: layout.count))
      : .uint8(try decode8(segio_png_colors, channels: layout.count))
    return Image(width: Int(header.width), height: Int(header.height), layout: layout, samples: samples)
  }

  /// Palette indices or grey values as the file stores them, unscaled.
  ///
  /// - Precondition: the file has neither colour nor alpha samples.
  func decodeRawValues() throws(ImageError) -> LabelMap {
    precondition(storedChannels == 1, "raw values are those of a single channel")
    let labels: [UInt16] =
      header.bit_depth == 16
      ? try decode16(segio_png_raw_values, channels: 1)
      : try decode8(segio_png_raw_values, channels: 1).map(UInt16.init)
    return LabelMap(width: Int(header.width), height: Int(header.height), labels: labels)
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
