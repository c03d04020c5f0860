import SegEngine
import SegFiles

/// A netpbm file (PBM, PGM, PPM, PAM or PFM) with a validated header.
struct NetpbmDecoder {
  private let file: FileBytes
  private let path: String
  private let header: NetpbmHeader

  init(_ file: FileBytes, named path: String, limits: ImageLimits) throws(ImageError) {
    self.file = file
    self.path = path
    do {
      header = try NetpbmHeader.reading(file.bytes)
    } catch {
      throw ImageError(path, .corrupt(format: "netpbm", reason: error.reason))
    }
    try limits.check(width: header.width, height: header.height, samples: header.channels, of: path)
    let needed: Int
    switch header.kind {
    case .bits: needed = header.isText ? header.width * header.height : (header.width + 7) / 8 * header.height
    case .integers: needed = count * (header.isText ? 1 : header.maximum < 256 ? 1 : 2)
    case .floats: needed = count * 4
    }
    guard needed <= file.count - header.end else {
      throw ImageError(
        path,
        .corrupt(
          format: "netpbm",
          reason: "incomplete: \(file.count) bytes cannot hold \(header.width)×\(header.height) pixels"))
    }
  }

  /// The number of samples.
  private var count: Int { header.width * header.height * header.channels }

  /// Decodes the image. Bits become 0 and 255; integers are kept, with the file's maximum as white.
  func decode(_ warnings: inout [ImageWarning.Kind]) throws(ImageError) -> Image {
    defer { withExtendedLifetime(file) {} }
    switch header.kind {
    case .bits: return image(.uint8(try bits().map { $0 == 0 ? 255 : 0 }), white: 255)
    case .integers:
      let values = try integers()
      return header.maximum < 256
        ? image(.uint8(values.map { UInt8(truncatingIfNeeded: $0) }), white: header.maximum)
        : image(.uint16(values), white: header.maximum)
    case .floats(let isBigEndian): return image(.float32(floats(isBigEndian: isBigEndian)), white: 1)
    }
  }

  /// Decodes the values of a file of one channel. White bits are 1, as in other formats.
  ///
  /// - Precondition: the file has one channel.
  func decodeStoredValues() throws(ImageError) -> StoredValues {
    precondition(isSingleChannel, "stored values are those of a single channel")
    defer { withExtendedLifetime(file) {} }
    let values: StoredValues.Values
    switch header.kind {
    case .bits: values = .uint8(try bits().map { 1 - $0 })
    case .integers: values = .uint16(try integers())
    case .floats(let isBigEndian): values = .float64(floats(isBigEndian: isBigEndian).map { Double($0) })
    }
    return StoredValues(width: header.width, height: header.height, values)
  }

  /// Whether the file has one channel.
  var isSingleChannel: Bool { header.channels == 1 }

  private func image(_ samples: Image.Samples, white: Int) -> Image {
    let layout: Image.ChannelLayout
    switch (header.tupleType, header.channels) {
    case (_, 1): layout = .grey
    case (nil, 3), ("RGB", 3): layout = .rgb
    case ("GRAYSCALE_ALPHA", 2), ("BLACKANDWHITE_ALPHA", 2): layout = .greyAlpha
    case ("RGB_ALPHA", 4): layout = .rgba
    case (_, let count): layout = .bands(count)
    }
    return Image(
      width: header.width, height: header.height, layout: layout, samples: samples, white: Float(white))
  }

  private func bits() throws(ImageError) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(count)
    if header.isText {
      // Digits of bits need no separator.
      var place = header.end
      while result.count < count {
        guard place < file.count else { throw corrupt("it ends too early") }
        let byte = file.bytes[place]
        place += 1
        switch byte {
        case UInt8(ascii: "0"), UInt8(ascii: "1"): result.append(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "#"):
          while place < file.count, file.bytes[place] != 0x0A { place += 1 }
        case _ where NetpbmHeader.isSeparator(byte): break
        default: throw corrupt("it has a sample that is neither 0 nor 1")
        }
      }
      return result
    }
    let rowBytes = (header.width + 7) / 8
    for row in 0..<header.height {
      for column in 0..<header.width {
        result.append(file.bytes[header.end + row * rowBytes + column / 8] >> UInt8(7 - column % 8) & 1)
      }
    }
    return result
  }

  private func integers() throws(ImageError) -> [UInt16] {
    var result: [UInt16] = []
    result.reserveCapacity(count)
    if header.isText {
      var words = NetpbmHeader.Words(bytes: file.bytes, position: header.end)
      for _ in 0..<count {
        let word: String
        do {
          word = try words.next()
        } catch {
          throw corrupt(error.reason)
        }
        guard let value = UInt16(word) else { throw corrupt("it has a sample that is no number") }
        result.append(value)
      }
    } else if header.maximum < 256 {
      for index in 0..<count { result.append(UInt16(file.bytes[header.end + index])) }
    } else {
      for index in 0..<count {
        let place = header.end + 2 * index
        result.append(UInt16(file.bytes[place]) << 8 | UInt16(file.bytes[place + 1]))
      }
    }
    guard result.allSatisfy({ $0 <= header.maximum }) else {
      throw corrupt("it has samples beyond its largest, \(header.maximum)")
    }
    return result
  }

  private func floats(isBigEndian: Bool) -> [Float] {
    let rowCount = header.width * header.channels
    var result: [Float] = []
    result.reserveCapacity(count)
    for row in (0..<header.height).reversed() {
      for column in 0..<rowCount {
        let stored = file.bytes.loadUnaligned(
          fromByteOffset: header.end + 4 * (row * rowCount + column), as: UInt32.self)
        result.append(Float(bitPattern: isBigEndian ? UInt32(bigEndian: stored) : UInt32(littleEndian: stored)))
      }
    }
    return result
  }

  private func corrupt(_ reason: String) -> ImageError { ImageError(path, .corrupt(format: "netpbm", reason: reason)) }
}
