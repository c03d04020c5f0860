/// The header of a netpbm file: ASCII words separated by white space and comments. (Format: netpbm's pbm(5), pgm(5), ppm(5), pam(5) and
/// pfm(5).)
struct NetpbmHeader {
  /// The sample type of a file.
  enum Kind {
    /// One bit each; 1 is black.
    case bits
    /// Integers up to ``NetpbmHeader/maximum``.
    case integers
    /// Floating-point numbers of 32 bits, rows bottom-up.
    case floats(isBigEndian: Bool)
  }

  let kind: Kind
  /// Whether samples are decimal numbers instead of bytes.
  let isText: Bool
  let width, height, channels: Int
  /// The sample value of white.
  let maximum: Int
  /// PAM's name for the meaning of the channels.
  let tupleType: String?
  /// The offset of the samples in bytes.
  let end: Int

  /// The reason why a header is invalid.
  struct Failure: Error {
    let reason: String
  }

  static func isSeparator(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) || byte == 0x23 }

  /// Reads the header of a file that begins with "P" and the letter or digit of a format.
  static func reading(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> NetpbmHeader {
    let header =
      switch bytes[1] {
      case UInt8(ascii: "7"): try named(bytes)
      case UInt8(ascii: "F"), UInt8(ascii: "f"): try floats(bytes)
      default: try integers(bytes)
      }
    guard header.end <= bytes.count else { throw Failure(reason: "its header is cut off") }
    return header
  }

  /// Reads the header of PBM, PGM and PPM: the extents and, except for bits, the maximum sample.
  private static func integers(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> NetpbmHeader {
    var words = Words(bytes: bytes, position: 2)
    let number = bytes[1] - UInt8(ascii: "0")
    let (width, height) = (try words.extent(), try words.extent())
    let isBits = number % 3 == 1
    let maximum = isBits ? 1 : try words.maximum()
    return NetpbmHeader(
      kind: isBits ? .bits : .integers, isText: number <= 3, width: width, height: height,
      channels: number % 3 == 0 ? 3 : 1, maximum: maximum, tupleType: nil, end: words.position + 1)
  }

  /// Reads the header of PFM: the extents and a scale whose sign is the byte order.
  private static func floats(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> NetpbmHeader {
    var words = Words(bytes: bytes, position: 2)
    let (width, height) = (try words.extent(), try words.extent())
    guard let scale = Double(try words.next()), scale != 0, scale.isFinite else {
      throw Failure(reason: "its scale is no number")
    }
    return NetpbmHeader(
      kind: .floats(isBigEndian: scale > 0), isText: false, width: width, height: height,
      channels: bytes[1] == UInt8(ascii: "F") ? 3 : 1, maximum: 1, tupleType: nil, end: words.position + 1)
  }

  /// Reads the header of PAM: lines of a name and a value.
  private static func named(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> NetpbmHeader {
    var words = Words(bytes: bytes, position: 2)
    var (width, height, channels, maximum) = (0, 0, 0, 0)
    var tupleType: String?
    while true {
      switch try words.next() {
      case "WIDTH": width = try words.extent()
      case "HEIGHT": height = try words.extent()
      case "DEPTH": channels = try words.extent()
      case "MAXVAL": maximum = try words.maximum()
      case "TUPLTYPE": tupleType = try words.next()
      case "ENDHDR":
        guard width > 0, height > 0, channels > 0, maximum > 0 else {
          throw Failure(reason: "its header lacks a size")
        }
        return NetpbmHeader(
          kind: .integers, isText: false, width: width, height: height, channels: channels, maximum: maximum,
          tupleType: tupleType, end: words.position + 1)
      default: throw Failure(reason: "its header has an unknown line")
      }
    }
  }

  /// Words separated by white space. A number sign begins a comment, to the end of the line.
  struct Words {
    let bytes: UnsafeRawBufferPointer
    var position: Int

    /// The maximum length of a word of a header or a sample.
    private static let longest = 32

    mutating func next() throws(Failure) -> String {
      while position < bytes.count, NetpbmHeader.isSeparator(bytes[position]) {
        if bytes[position] == UInt8(ascii: "#") {
          while position < bytes.count, bytes[position] != 0x0A, bytes[position] != 0x0D { position += 1 }
        } else {
          position += 1
        }
      }
      let start = position
      while position < bytes.count, !NetpbmHeader.isSeparator(bytes[position]), position - start <= Words.longest {
        position += 1
      }
      guard position > start, position - start <= Words.longest else {
        throw Failure(reason: start >= bytes.count ? "it ends too early" : "it has a word that is too long")
      }
      return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    mutating func extent() throws(Failure) -> Int {
      let word = try next()
      guard let extent = Int(word), (1...Int(Int32.max)).contains(extent) else {
        throw Failure(reason: "\(word) is no number of pixels")
      }
      return extent
    }

    mutating func maximum() throws(Failure) -> Int {
      let word = try next()
      guard let maximum = Int(word), (1...65535).contains(maximum) else {
        throw Failure(reason: "\(word) is no largest sample from 1 to 65535")
      }
      return maximum
    }
  }
}
