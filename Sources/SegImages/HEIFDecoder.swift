import CHEIFShim
import SegEngine
import SegFiles

/// Decodes HEIF and AVIF files to RGB or RGBA with 8 bits per sample, or 16 if the file has more than 8. It needs libheif to be
/// installed.
///
/// libheif applies the rotations and reflections that the file states as image properties. The EXIF orientation repeats them and is
/// ignored.
enum HEIFDecoder {
  /// Whether libheif is installed.
  static var isAvailable: Bool { segio_heif_is_available() }

  static func decode(
    _ file: FileBytes, _ format: PixelFormat, named path: String, limits: ImageLimits
  ) throws(ImageError) -> Image {
    guard isAvailable else {
      throw ImageError(path, .missingLibrary(format: format.rawValue, library: "libheif"))
    }
    var header = segio_heif_header()
    var message = MessageBuffer(capacity: Int(SEGIO_HEIF_MESSAGE_SIZE))
    guard let reader = segio_heif_open(file.bytes.baseAddress, file.count, &header, &message.bytes) else {
      throw ImageError(path, .corrupt(format: format.rawValue, reason: message.text))
    }
    defer {
      segio_heif_close(reader)
      withExtendedLifetime(file) {}
    }
    let (width, height) = (Int(header.width), Int(header.height))
    try limits.check(width: width, height: height, of: path)
    let layout: Image.ChannelLayout = header.has_alpha ? .rgba : .rgb
    func samples<Sample: ColorSample>(_ white: Sample) throws(ImageError) -> [Sample] {
      var samples = [Sample](repeating: 0, count: width * height * layout.count)
      let rowBytes = width * layout.count * MemoryLayout<Sample>.size
      let isRead = samples.withUnsafeMutableBytes { samples in
        segio_heif_read(reader, samples.baseAddress, rowBytes, &message.bytes)
      }
      guard isRead else { throw ImageError(path, .corrupt(format: format.rawValue, reason: message.text)) }
      if header.is_premultiplied { samples.divideByAlpha(channels: layout.count, white: white) }
      return samples
    }
    if header.bits == 8 {
      return Image(width: width, height: height, layout: layout, samples: .uint8(try samples(255)))
    }
    let white = UInt16(truncatingIfNeeded: (1 << Int(header.bits)) - 1)
    return Image(
      width: width, height: height, layout: layout, samples: .uint16(try samples(white)), white: Float(white))
  }
}
