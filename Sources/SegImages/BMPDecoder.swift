import SegEngine
import SegFiles

/// A BMP file with a validated header and an accepted size.
///
/// Supported are palettes of 1, 2, 4 and 8 bits, also run-length encoded; colours of 16, 24 and 32 bits, also with bit masks; bottom-up
/// and top-down rows; the headers of Windows and OS/2. (Format: Windows GDI, "Bitmap Header Types" and "Bitmap Compression".)
struct BMPDecoder {
  private let file: FileBytes
  private let path: String
  private let width, height: Int
  private let isFromTop: Bool
  private let bits: Int
  private let compression: Compression
  /// The offset of the pixels in the file, in bytes.
  private let offset: Int
  /// The bits of red, green, blue and alpha in a pixel of 16 or 32 bits.
  private let masks: [Mask]
  /// Red, green and blue of each palette index.
  private let palette: [(UInt8, UInt8, UInt8)]

  private enum Compression { case none, runs }

  /// Contiguous bits of a pixel.
  private struct Mask {
    let shift: UInt32
    let largest: UInt32

    init?(_ mask: UInt32) {
      shift = mask == 0 ? 0 : UInt32(mask.trailingZeroBitCount)
      largest = mask >> shift
      guard largest & (largest &+ 1) == 0 else { return nil }
    }

    /// Extracts the bits of a pixel and scales them to 8 bits.
    func value(of pixel: UInt32) -> UInt8 {
      largest == 255
        ? UInt8(truncatingIfNeeded: pixel >> shift)
        : largest == 0 ? 0 : UInt8(UInt64(pixel >> shift & largest) * 255 / UInt64(largest))
    }
  }

  init(_ file: FileBytes, named path: String, limits: ImageLimits) throws(ImageError) {
    self.file = file
    self.path = path
    let bytes = file.bytes
    func unsupported(_ reason: String) -> ImageError { ImageError(path, .unsupported(format: "BMP", reason: reason)) }
    func corrupt(_ reason: String) -> ImageError { ImageError(path, .corrupt(format: "BMP", reason: reason)) }
    func number<Number: FixedWidthInteger>(_ type: Number.Type, _ place: Int) -> Number {
      Number(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: Number.self))
    }
    guard bytes.count >= 18 else { throw corrupt("its header is cut off") }
    let headerSize = Int(number(UInt32.self, 14))
    let isCore = headerSize == 12
    guard isCore || (16...256).contains(headerSize) else { throw unsupported("a header of \(headerSize) bytes") }
    guard bytes.count >= 14 + headerSize else { throw corrupt("its header is cut off") }
    func field<Number: FixedWidthInteger>(_ type: Number.Type, _ place: Int) -> Number {
      place + MemoryLayout<Number>.size <= headerSize ? number(type, 14 + place) : 0
    }
    let storedHeight = isCore ? Int(field(UInt16.self, 6)) : Int(field(Int32.self, 8))
    width = isCore ? Int(field(UInt16.self, 4)) : Int(field(Int32.self, 4))
    height = abs(storedHeight)
    isFromTop = storedHeight < 0
    bits = Int(isCore ? field(UInt16.self, 10) : field(UInt16.self, 14))
    guard width > 0, height > 0 else { throw corrupt("it has \(width)×\(storedHeight) pixels") }
    try limits.check(width: width, height: height, of: path)

    // Compression: 0 none, 1 and 2 runs of 8 and 4 bits, 3 masks, 4 and 5 a JPEG or PNG file, 6 masks with alpha.
    let stored = isCore ? 0 : field(UInt32.self, 16)
    let isOS2 = headerSize == 64 || headerSize < 40
    var hasMasks = false
    switch (stored, bits) {
    case (0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (0, 24), (0, 32): compression = .none
    case (1, 8), (2, 4): compression = .runs
    case (3, 16), (3, 24), (3, 32), (6, 16), (6, 24), (6, 32):
      guard !isOS2 else { throw unsupported("compression \(stored) of OS/2") }
      compression = .none
      hasMasks = true
    default: throw unsupported("\(bits) bits a pixel under compression \(stored)")
    }
    guard compression == .none || !isFromTop else { throw corrupt("run-length encoded rows from the top") }

    // The masks follow a header of 40 bytes; longer headers contain them.
    let maskCount = !hasMasks ? 0 : stored == 6 || headerSize >= 56 ? 4 : 3
    let maskEnd = 54 + 4 * maskCount
    guard bytes.count >= max(14 + headerSize, hasMasks ? maskEnd : 0) else { throw corrupt("its header is cut off") }
    var fields: [UInt32] =
      bits == 16 ? [0x7C00, 0x3E0, 0x1F] : [0xFF0000, 0xFF00, 0xFF]
    if hasMasks { fields = (0..<maskCount).map { number(UInt32.self, 54 + 4 * $0) } }
    // Some programs write zeros for the default masks.
    if hasMasks, fields.allSatisfy({ $0 == 0 }) {
      fields = bits == 16 ? [0x7C00, 0x3E0, 0x1F] : [0xFF0000, 0xFF00, 0xFF, 0xFF00_0000]
    }
    if fields.count == 4, fields[3] == 0 || bits == 24 { fields.removeLast() }
    var masks: [Mask] = []
    for field in fields {
      guard let mask = Mask(field) else { throw unsupported("colours under the masks \(fields)") }
      masks.append(mask)
    }
    self.masks = masks

    let paletteStart = hasMasks ? max(14 + headerSize, maskEnd) : 14 + headerSize
    let entrySize = isCore ? 3 : 4
    let wanted = Int(field(UInt32.self, 32))
    let claimed = bits > 8 ? 0 : wanted == 0 || wanted > 1 << bits ? 1 << bits : wanted
    let count = min(claimed, (bytes.count - paletteStart) / entrySize)
    palette = (0..<max(count, 0)).map { index in
      let entry = paletteStart + index * entrySize
      return (bytes[entry + 2], bytes[entry + 1], bytes[entry])
    }
    let statedOffset = Int(number(UInt32.self, 10))
    offset = statedOffset <= 14 + headerSize ? paletteStart + count * entrySize : statedOffset
    // The padding of the last row may be missing.
    guard offset <= bytes.count, compression == .runs || offset + rowStride * (height - 1) + rowBytes <= bytes.count
    else { throw corrupt("incomplete: \(bytes.count) bytes cannot hold \(width)×\(height) pixels") }
  }

  private var rowBytes: Int { (width * bits + 7) / 8 }
  private var rowStride: Int { (width * bits + 31) / 32 * 4 }

  /// Whether pixels are palette indices.
  var isPalette: Bool { bits <= 8 }

  /// Decodes the image to RGB with 8 bits per sample, or to RGBA if there is an alpha mask.
  func decodeColors() throws(ImageError) -> Image {
    defer { withExtendedLifetime(file) {} }
    let layout: Image.ChannelLayout = isPalette || masks.count == 3 ? .rgb : .rgba
    var samples: [UInt8] = []
    samples.reserveCapacity(width * height * layout.count)
    if isPalette {
      for index in try decodeIndices() {
        let color = Int(index) < palette.count ? palette[Int(index)] : (0, 0, 0)
        samples.append(color.0)
        samples.append(color.1)
        samples.append(color.2)
      }
    } else {
      let size = bits / 8
      for row in 0..<height {
        var place = start(ofRow: row)
        for _ in 0..<width {
          var pixel: UInt32 = 0
          for byte in 0..<size { pixel |= UInt32(file.bytes[place + byte]) << UInt32(8 * byte) }
          for mask in masks { samples.append(mask.value(of: pixel)) }
          place += size
        }
      }
    }
    return Image(width: width, height: height, layout: layout, samples: .uint8(samples))
  }

  /// Decodes the palette indices.
  ///
  /// - Precondition: pixels are palette indices.
  func decodeStoredValues() throws(ImageError) -> StoredValues {
    StoredValues(width: width, height: height, .uint8(try decodeIndices()), areIndices: true)
  }

  private func start(ofRow row: Int) -> Int { offset + (isFromTop ? row : height - 1 - row) * rowStride }

  private func decodeIndices() throws(ImageError) -> [UInt8] {
    precondition(isPalette, "indices are those of a palette")
    defer { withExtendedLifetime(file) {} }
    if compression == .runs { return try decodeRuns() }
    var indices: [UInt8] = []
    indices.reserveCapacity(width * height)
    for row in 0..<height {
      let start = start(ofRow: row)
      for column in 0..<width {
        // The leftmost pixel has the highest bits.
        let bit = column * bits
        indices.append(file.bytes[start + bit / 8] >> UInt8(8 - bits - bit % 8) & UInt8((1 << bits) - 1))
      }
    }
    return indices
  }

  /// Decodes run-length encoding: runs of one index (with 4 bits, of two alternating indices), and sequences of literal indices. Pixels
  /// that are not encoded have index 0.
  private func decodeRuns() throws(ImageError) -> [UInt8] {
    let bytes = file.bytes
    var indices = [UInt8](repeating: 0, count: width * height)
    var place = offset
    var (row, column) = (0, 0)
    /// Stores the indices of `count` pixels, given as a function of their number. Those beyond the row are discarded.
    func put(_ count: Int, _ index: (Int) -> UInt8) {
      if row < height {
        let start = (height - 1 - row) * width
        for number in 0..<min(count, max(0, width - column)) { indices[start + column + number] = index(number) }
      }
      column += count
    }
    while place + 1 < bytes.count {
      let (count, value) = (Int(bytes[place]), bytes[place + 1])
      place += 2
      if count > 0 {
        put(count) { bits == 8 ? value : $0 % 2 == 0 ? value >> 4 : value & 15 }
        continue
      }
      switch value {
      case 0: (row, column) = (row + 1, 0)
      case 1: return indices
      case 2:
        guard place + 1 < bytes.count else { break }
        column += Int(bytes[place])
        row += Int(bytes[place + 1])
        place += 2
      default:
        let size = bits == 8 ? Int(value) : (Int(value) + 1) / 2
        guard place + size <= bytes.count else {
          place = bytes.count
          break
        }
        let first = place
        put(Int(value)) { number in
          bits == 8
            ? bytes[first + number] : bytes[first + number / 2] >> (number % 2 == 0 ? 4 : 0) & 15
        }
        // Literal sequences are padded to an even number of bytes.
        place += size + size % 2
      }
    }
    // The end marker may be missing after the last row.
    guard row >= height || row == height - 1 && column >= width else {
      throw ImageError(path, .corrupt(format: "BMP", reason: "incomplete: its rows end too early"))
    }
    return indices
  }
}
