import CJPEGShim
import SegEngine
import SegFiles

/// Decodes JPEG files to grey or RGB with 8 bits per sample.
enum JPEGDecoder {
  /// Decodes the image and applies the EXIF orientation.
  static func decode(
    _ file: FileBytes, named path: String, limits: ImageLimits, _ warnings: inout [ImageWarning.Kind]
  ) throws(ImageError) -> Image {
    var header = segio_jpeg_header()
    var message = MessageBuffer(capacity: Int(SEGIO_JPEG_MESSAGE_SIZE))
    var isUnsupported = false
    guard let reader = segio_jpeg_open(file.bytes.baseAddress, file.count, &header, &isUnsupported, &message.bytes)
    else {
      throw ImageError(
        path,
        isUnsupported
          ? .unsupported(format: "JPEG", reason: message.text) : .corrupt(format: "JPEG", reason: message.text))
    }
    defer {
      segio_jpeg_close(reader)
      withExtendedLifetime(file) {}
    }
    // The orientation is read before the pixels, because libjpeg frees the markers once it has decoded them.
    let orientation = ImageOrientation(
      exif: UnsafeBufferPointer(start: header.exif, count: header.exif_count),
      xmp: UnsafeBufferPointer(start: header.xmp, count: header.xmp_count))
    let (width, height) = (Int(header.width), Int(header.height))
    try limits.check(width: width, height: height, of: path)
    // A block of 8 × 8 samples takes at least one bit in every scan, and the first component has one block per 64 pixels.
    guard !header.is_huffman || width * height / 64 <= 8 * file.count else {
      throw ImageError(
        path, .corrupt(format: "JPEG", reason: "incomplete: \(file.count) bytes cannot hold \(width)×\(height) pixels"))
    }
    guard header.colors != segio_jpeg_other else {
      throw ImageError(
        path, .unsupported(format: "JPEG", reason: "\(header.components) components without a known meaning"))
    }
    var samples = [UInt8](repeating: 0, count: width * height * Int(header.colors.rawValue))
    var findings = segio_jpeg_findings()
    guard segio_jpeg_read(reader, &samples, &findings, &message.bytes) else {
      throw ImageError(path, .corrupt(format: "JPEG", reason: message.text))
    }
    if findings.has_no_end_marker { warnings.append(.noEndMarker) }
    if header.colors == segio_jpeg_cmyk {
      if !header.has_adobe_marker {
        warnings.append(
          .assumed("it does not say how its inks are stored; taken as inverted, as Adobe's programs write them"))
      }
      samples = rgb(ofInvertedInks: samples)
    }
    let layout: Image.ChannelLayout = header.colors == segio_jpeg_grey ? .grey : .rgb
    return Image(width: width, height: height, layout: layout, samples: .uint8(samples)).applying(orientation)
  }

  /// Converts inverted inks (255 is no ink) to red, green and blue.
  private static func rgb(ofInvertedInks samples: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(samples.count / 4 * 3)
    for pixel in stride(from: 0, to: samples.count, by: 4) {
      let black = 255 - samples[pixel + 3]
      for ink in pixel..<pixel + 3 { result.append((255 - samples[ink]).lessInk(black, white: 255)) }
    }
    return result
  }
}
