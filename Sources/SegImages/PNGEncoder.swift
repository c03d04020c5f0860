import CPNGShim
import SegEngine
import SegFiles

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Encodes PNG files in memory.
enum PNGEncoder {
  /// Encodes grey, grey with alpha, RGB or RGBA with 8 or 16 bits per sample. 16-bit samples are scaled up if their white is below 65535,
  /// which is white in a PNG file.
  static func encode(_ image: Image) throws(ImageError) -> [UInt8] {
    if case .bands(let count) = image.layout {
      throw ImageError(nil, .cannotEncode(reason: "PNG has no images of \(count) bands without a meaning"))
    }
    let description = segio_png_description(
      width: try extent(image.width), height: try extent(image.height), bit_depth: Int32(image.bitDepth),
      channels: Int32(image.layout.count), palette_rgb: nil, palette_count: 0)
    switch image.samples {
    case .uint8(let samples) where image.white == 255: return try encode(description, samples)
    case .uint8(let samples):
      return try encode(description, samples.map { UInt8(min((Float($0) * 255 / image.white).rounded(), 255)) })
    case .uint16(let samples) where image.white == 65535: return try encode(description, samples)
    case .uint16(let samples):
      return try encode(description, samples.map { UInt16(min((Float($0) * 65535 / image.white).rounded(), 65535)) })
    case .float32:
      throw ImageError(nil, .cannotEncode(reason: "PNG has no floating-point samples"))
    }
  }

  /// Encodes 8-bit indices into a palette of at most 256 colours.
  static func encode(
    indices: [UInt8], width: Int, height: Int, palette: [Palette.Color]
  ) throws(ImageError) -> [UInt8] {
    let flat = palette.flatMap { [$0.red, $0.green, $0.blue] }
    let (width, height) = (try extent(width), try extent(height))
    let result = flat.withUnsafeBufferPointer { colors in
      Result { () throws(ImageError) in
        let description = segio_png_description(
          width: width, height: height, bit_depth: 8, channels: 1, palette_rgb: colors.baseAddress,
          palette_count: Int32(palette.count))
        return try encode(description, indices)
      }
    }
    return try result.get()
  }

  private static func encode<Sample: FixedWidthInteger>(
    _ description: segio_png_description, _ samples: [Sample]
  ) throws(ImageError) -> [UInt8] {
    var description = description
    var message = MessageBuffer(capacity: Int(SEGIO_PNG_MESSAGE_SIZE))
    var count = 0
    guard let bytes = segio_png_encode(&description, samples, &count, &message.bytes) else {
      throw ImageError(nil, .cannotEncode(reason: message.text))
    }
    defer { free(bytes) }
    return [UInt8](UnsafeBufferPointer(start: bytes, count: count))
  }

  private static func extent(_ value: Int) throws(ImageError) -> UInt32 {
    guard value > 0, value < 1 << 31 else {
      throw ImageError(nil, .cannotEncode(reason: "PNG has no image with an extent of \(value) pixels"))
    }
    return UInt32(value)
  }
}

extension PNGEncoder {
  /// Writes an encoded file completely or not at all. Errors name the path.
  static func write(to path: String, _ encode: () throws(ImageError) -> [UInt8]) throws(ImageError) {
    let bytes: [UInt8]
    do {
      bytes = try encode()
    } catch {
      throw ImageError(path, error.cause)
    }
    do {
      try AtomicFile.create(path, containing: bytes)
    } catch {
      throw ImageError(error)
    }
  }
}
