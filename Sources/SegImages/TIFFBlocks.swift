import CTIFFShim
import SegFiles

/// The strips or tiles of a TIFF page, and what their samples are.
struct TIFFBlocks {
  /// What a sample is.
  enum Element: Equatable {
    /// Packed from the high bit where it is not of 8 or 16 bits (TIFF 6.0, FillOrder 1, which libtiff establishes).
    case unsigned(bits: Int)
    case uint32, uint64, int8, int16, int32, int64
    case float16, float32, float64

    init?(format: UInt16, bits: UInt16) {
      switch (format, bits) {
      case (1, 1...16), (4, 1...16): self = .unsigned(bits: Int(bits))
      case (1, 32), (4, 32): self = .uint32
      case (1, 64), (4, 64): self = .uint64
      case (2, 8): self = .int8
      case (2, 16): self = .int16
      case (2, 32): self = .int32
      case (2, 64): self = .int64
      case (3, 16): self = .float16
      case (3, 32): self = .float32
      case (3, 64): self = .float64
      default: return nil
      }
    }

    /// The largest integer, or 1.
    var white: Float {
      switch self {
      case .unsigned(let bits): Float((1 << bits) - 1)
      case .uint32: Float(UInt32.max)
      case .uint64: Float(UInt64.max)
      case .int8: Float(Int8.max)
      case .int16: Float(Int16.max)
      case .int32: Float(Int32.max)
      case .int64: Float(Int64.max)
      case .float16, .float32, .float64: 1
      }
    }

    var isSmallInteger: Bool { if case .unsigned(let bits) = self { bits <= 8 } else { false } }

    /// An integer of more than 8 bits.
    var isWideInteger: Bool {
      switch self {
      case .unsigned(let bits): bits > 8
      case .uint32, .uint64, .int16, .int32, .int64: true
      case .int8, .float16, .float32, .float64: false
      }
    }

    /// Whether it may have been chosen for the memory's sake rather than for the values' range.
    var isWholeBytes: Bool { if case .unsigned(let bits) = self { bits % 8 == 0 } else { true } }
  }

  private let tiff: OpaquePointer
  private let header: segio_tiff_header
  /// What a sample is; `nil` for a kind that is not read.
  let element: Element?

  /// `tiff` must be open as long as this is used.
  init(_ tiff: OpaquePointer, _ header: segio_tiff_header) {
    self.tiff = tiff
    self.header = header
    element = Element(format: header.sample_format, bits: header.bits)
  }

  private var width: Int { Int(header.width) }
  private var height: Int { Int(header.height) }
  private var channels: Int { Int(header.samples) }
  private var blockWidth: Int { Int(header.block_width) }
  private var blockHeight: Int { Int(header.block_height) }
  private var across: Int { (width + blockWidth - 1) / blockWidth }
  private var down: Int { (height + blockHeight - 1) / blockHeight }
  private var channelsInBlock: Int { header.is_planar ? 1 : channels }
  private var rowBytes: Int { (blockWidth * channelsInBlock * Int(header.bits) + 7) / 8 }

  private func corrupt(_ path: String, _ reason: String) -> ImageError {
    ImageError(path, .corrupt(format: "TIFF", reason: reason))
  }

  /// A tile may overhang the image, but one that is far larger than it is no honest file.
  func checkExtents(of path: String) throws(ImageError) {
    guard blockWidth > 0, blockHeight > 0 else { throw corrupt(path, "strips or tiles without pixels") }
    guard blockWidth <= max(2 * width, 4096), blockHeight <= max(2 * height, 4096) else {
      throw corrupt(path, "strips or tiles of \(blockWidth)×\(blockHeight)")
    }
  }

  /// Strips and tiles must be of the size that the header implies, there must be enough of them, and the file must be able to hold
  /// them.
  func check(fileCount: Int, of path: String) throws(ImageError) {
    try checkExtents(of: path)
    // Extents and samples are of 32 and 16 bits.
    let (rowBits, overflow) = (blockWidth * channelsInBlock).multipliedReportingOverflow(by: Int(header.bits))
    let (bytes, overflow2) = ((rowBits + 7) / 8).multipliedReportingOverflow(by: blockHeight)
    guard !overflow, !overflow2, UInt64(bytes) == header.block_bytes else {
      throw corrupt(path, "strips or tiles of \(blockWidth)×\(blockHeight)")
    }
    let needed = across * down * (header.is_planar ? channels : 1)
    guard Int(header.block_count) == needed else {
      throw corrupt(path, "\(header.block_count) strips or tiles instead of \(needed)")
    }
    // Uncompressed samples take their bytes, PackBits gives at most 128 for two, deflate 1032 for one (RFC 1951), LZW no more
    // than its table of 4096 for twelve bits.
    let gains: [UInt16: Double] = [1: 1, 5: 2731, 8: 1032, 32773: 64, 32946: 1032]
    let samples = Double(width) * Double(height) * Double(channels)
    if let gain = gains[header.compression], samples * Double(header.bits) / 8 > gain * Double(fileCount) {
      throw corrupt(path, "\(fileCount) bytes cannot hold \(width)×\(height) pixels")
    }
  }

  /// All samples, interleaved, exactly.
  ///
  /// - Precondition: the blocks were checked, and samples are unsigned integers of no more bits than `Value`.
  func integers<Value: FixedWidthInteger & UnsignedInteger>(of path: String) throws(ImageError) -> [Value] {
    guard case .unsigned(let bits) = element, bits <= Value.bitWidth else {
      preconditionFailure("samples of another kind")
    }
    return try decode(of: path) { row, target, count, step in
      switch bits {
      case 8: Self.convert(row, target, count, step) { (stored: UInt8) in Value(truncatingIfNeeded: stored) }
      case 16: Self.convert(row, target, count, step) { (stored: UInt16) in Value(truncatingIfNeeded: stored) }
      default:
        for index in 0..<count {
          target[index * step] = Value(truncatingIfNeeded: Self.packed(index, bits: bits, of: row))
        }
      }
    }
  }

  /// All samples, interleaved, each the nearest number of the type.
  ///
  /// - Precondition: the blocks were checked, and the element is one that is read.
  func numbers<Value: TIFFNumber>(of path: String) throws(ImageError) -> [Value] {
    guard let element else { preconditionFailure("samples of an unknown kind") }
    return try decode(of: path) { row, target, count, step in
      switch element {
      case .unsigned(let bits):
        for index in 0..<count { target[index * step] = Value(UInt64(Self.packed(index, bits: bits, of: row))) }
      case .uint32: Self.convert(row, target, count, step) { (stored: UInt32) in Value(UInt64(stored)) }
      case .uint64: Self.convert(row, target, count, step) { (stored: UInt64) in Value(stored) }
      case .int8: Self.convert(row, target, count, step) { (stored: Int8) in Value(Int64(stored)) }
      case .int16: Self.convert(row, target, count, step) { (stored: Int16) in Value(Int64(stored)) }
      case .int32: Self.convert(row, target, count, step) { (stored: Int32) in Value(Int64(stored)) }
      case .int64: Self.convert(row, target, count, step) { (stored: Int64) in Value(stored) }
      case .float16:
        Self.convert(row, target, count, step) { (bits: UInt16) in Value(Double(StoredElement.float(half: bits))) }
      case .float32: Self.convert(row, target, count, step) { (stored: Float) in Value(Double(stored)) }
      case .float64: Self.convert(row, target, count, step) { (stored: Double) in Value(stored) }
      }
    }
  }

  /// Decodes all blocks; `convert` takes `count` samples of a row to every `step`-th place of its target.
  private func decode<Value: ExpressibleByIntegerLiteral>(
    of path: String,
    _ convert: (
      _ row: UnsafeRawBufferPointer, _ target: UnsafeMutablePointer<Value>, _ count: Int, _ step: Int
    ) -> Void
  ) throws(ImageError) -> [Value] {
    var values = [Value](repeating: 0, count: width * height * channels)
    var block = [UInt8](repeating: 0, count: Int(header.block_bytes))
    var message = MessageBuffer(capacity: Int(SEGIO_TIFF_MESSAGE_SIZE))
    let step = header.is_planar ? channels : 1
    for plane in 0..<step {
      for blockRow in 0..<down {
        let rows = min(blockHeight, height - blockRow * blockHeight)
        for blockColumn in 0..<across {
          let columns = min(blockWidth, width - blockColumn * blockWidth)
          let index = UInt32((plane * down + blockRow) * across + blockColumn)
          // The last strip holds the rows that are left; a tile is always whole.
          let size = rowBytes * (header.is_tiled ? blockHeight : rows)
          guard segio_tiff_read_block(tiff, index, &block, size, &message.bytes) else {
            throw corrupt(path, message.text)
          }
          values.withUnsafeMutableBufferPointer { values in
            block.withUnsafeBytes { block in
              for row in 0..<rows {
                let first = ((blockRow * blockHeight + row) * width + blockColumn * blockWidth) * channels + plane
                convert(
                  UnsafeRawBufferPointer(rebasing: block[(row * rowBytes)..<((row + 1) * rowBytes)]),
                  values.baseAddress! + first, columns * channelsInBlock, step)
              }
            }
          }
        }
      }
    }
    return values
  }

  @inline(__always)
  private static func convert<Stored, Value>(
    _ row: UnsafeRawBufferPointer, _ target: UnsafeMutablePointer<Value>, _ count: Int, _ step: Int,
    _ value: (Stored) -> Value
  ) {
    for index in 0..<count {
      target[index * step] = value(
        row.loadUnaligned(fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self))
    }
  }

  /// A sample of up to 16 bits, in as many as three bytes; one of 16 bits has the machine's order of bytes.
  @inline(__always)
  private static func packed(_ index: Int, bits: Int, of row: UnsafeRawBufferPointer) -> UInt16 {
    if bits == 16 { return row.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self) }
    let bit = index * bits
    let end = (bit + bits + 7) / 8
    var window: UInt32 = 0
    for position in bit / 8..<end { window = window << 8 | UInt32(row[position]) }
    return UInt16(truncatingIfNeeded: window >> UInt32(8 * end - bit - bits) & ((1 << UInt32(bits)) - 1))
  }
}

/// A type that numbers of files are read into.
protocol TIFFNumber: ExpressibleByIntegerLiteral {
  init(_ value: Int64)
  init(_ value: UInt64)
  init(_ value: Double)
}

extension Float: TIFFNumber {}
extension Double: TIFFNumber {}
