import CTIFFShim
import SegFiles

/// The strips or tiles of a TIFF page, with their sample type.
struct TIFFBlocks {
  /// The sample type.
  enum Element: Equatable {
    /// Packed from the high bit unless it has 8 or 16 bits (TIFF 6.0, FillOrder 1, to which libtiff converts).
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

    /// The largest integer; 1 for floating-point samples.
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

    /// Whether this is an integer of more than 8 bits.
    var isWideInteger: Bool {
      switch self {
      case .unsigned(let bits): bits > 8
      case .uint32, .uint64, .int16, .int32, .int64: true
      case .int8, .float16, .float32, .float64: false
      }
    }

    /// Whether it fills whole bytes, so that it may be wider than the range of the values.
    var isWholeBytes: Bool { if case .unsigned(let bits) = self { bits % 8 == 0 } else { true } }
  }

  private let tiff: OpaquePointer
  private let header: segio_tiff_header
  private let cache: BlockCache
  /// The sample type; `nil` if it is unsupported.
  let element: Element?

  /// Makes the blocks of a page. `tiff` must stay open while they are used. `cacheByteCount` is the number of bytes of decoded blocks that
  /// are kept for further regions.
  init(_ tiff: OpaquePointer, _ header: segio_tiff_header, cacheByteCount: Int) {
    self.tiff = tiff
    self.header = header
    cache = BlockCache(capacity: cacheByteCount)
    element = Element(format: header.sample_format, bits: header.bits)
  }

  /// All pixels of the page.
  var wholeRegion: PixelRegion { PixelRegion(rows: 0..<height, columns: 0..<width) }

  /// The pixels of a whole strip or tile.
  var blockSize: (width: Int, height: Int) { (blockWidth, blockHeight) }

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

  /// Refuses tiles that are far larger than the image. A tile may exceed the image's border.
  func checkExtents(of path: String) throws(ImageError) {
    guard blockWidth > 0, blockHeight > 0 else { throw corrupt(path, "strips or tiles without pixels") }
    guard blockWidth <= max(2 * width, 4096), blockHeight <= max(2 * height, 4096) else {
      throw corrupt(path, "strips or tiles of \(blockWidth)×\(blockHeight)")
    }
  }

  /// Checks that strips and tiles have the size that the header implies, that there are enough of them, and that the file is large enough
  /// to contain them.
  func check(fileCount: Int, of path: String) throws(ImageError) {
    try checkExtents(of: path)
    // Extents have 32 bits, samples per pixel 16 bits.
    let (rowBits, overflow) = (blockWidth * channelsInBlock).multipliedReportingOverflow(by: Int(header.bits))
    let (bytes, overflow2) = ((rowBits + 7) / 8).multipliedReportingOverflow(by: blockHeight)
    guard !overflow, !overflow2, UInt64(bytes) == header.block_bytes else {
      throw corrupt(path, "strips or tiles of \(blockWidth)×\(blockHeight)")
    }
    let (needed, overflow3) = (across * down).multipliedReportingOverflow(by: header.is_planar ? channels : 1)
    guard !overflow3, Int(header.block_count) == needed else {
      throw corrupt(path, "\(header.block_count) strips or tiles instead of \(overflow3 ? "more" : "\(needed)")")
    }
    // The maximum compression ratios: 1 uncompressed, PackBits 128 bytes for two, deflate 1032 for one (RFC 1951), LZW its table of 4096
    // for twelve bits.
    let gains: [UInt16: Double] = [1: 1, 5: 2731, 8: 1032, 32773: 64, 32946: 1032]
    let samples = Double(width) * Double(height) * Double(channels)
    if let gain = gains[header.compression], samples * Double(header.bits) / 8 > gain * Double(fileCount) {
      throw corrupt(path, "\(fileCount) bytes cannot hold \(width)×\(height) pixels")
    }
  }

  /// Decodes the samples of a region, interleaved, exactly.
  ///
  /// - Precondition: the blocks were checked, and samples are unsigned integers with at most the bits of `Value`.
  func integers<Value: FixedWidthInteger & UnsignedInteger>(
    in region: PixelRegion, of path: String
  ) throws(ImageError) -> [Value] {
    guard case .unsigned(let bits) = element, bits <= Value.bitWidth else {
      preconditionFailure("samples of another kind")
    }
    return try samples(in: region, of: path) { row, first, target, count, step in
      switch bits {
      case 8: Self.convert(row, first, target, count, step) { (stored: UInt8) in Value(truncatingIfNeeded: stored) }
      case 16: Self.convert(row, first, target, count, step) { (stored: UInt16) in Value(truncatingIfNeeded: stored) }
      default:
        for index in 0..<count {
          target[index * step] = Value(truncatingIfNeeded: Self.packed(first + index, bits: bits, of: row))
        }
      }
    }
  }

  /// Decodes the samples of a region, interleaved, each rounded to the nearest number of the type.
  ///
  /// - Precondition: the blocks were checked, and the sample type is supported.
  func numbers<Value: TIFFNumber>(in region: PixelRegion, of path: String) throws(ImageError) -> [Value] {
    guard let element else { preconditionFailure("samples of an unknown kind") }
    return try samples(in: region, of: path) { row, first, target, count, step in
      switch element {
      case .unsigned(let bits):
        for index in 0..<count {
          target[index * step] = Value(UInt64(Self.packed(first + index, bits: bits, of: row)))
        }
      case .uint32: Self.convert(row, first, target, count, step) { (stored: UInt32) in Value(UInt64(stored)) }
      case .uint64: Self.convert(row, first, target, count, step) { (stored: UInt64) in Value(stored) }
      case .int8: Self.convert(row, first, target, count, step) { (stored: Int8) in Value(Int64(stored)) }
      case .int16: Self.convert(row, first, target, count, step) { (stored: Int16) in Value(Int64(stored)) }
      case .int32: Self.convert(row, first, target, count, step) { (stored: Int32) in Value(Int64(stored)) }
      case .int64: Self.convert(row, first, target, count, step) { (stored: Int64) in Value(stored) }
      case .float16:
        Self.convert(row, first, target, count, step) { (bits: UInt16) in
          Value(Double(StoredElement.float(half: bits)))
        }
      case .float32: Self.convert(row, first, target, count, step) { (stored: Float) in Value(Double(stored)) }
      case .float64: Self.convert(row, first, target, count, step) { (stored: Double) in Value(stored) }
      }
    }
  }

  /// Decodes a region to red, green and blue of 8 bits, interleaved, with libtiff's own conversion.
  ///
  /// - Precondition: the extents were checked.
  func rgb(in region: PixelRegion, of path: String) throws(ImageError) -> [UInt8] {
    try decode(
      region, of: path, Storage(channels: 3, planes: 1, bits: 8, byteCount: 3 * blockWidth * blockHeight),
      { (block: Block, bytes: inout [UInt8]) throws(ImageError) in
        let (width, height) = (block.columns.count, block.rows.count)
        var message = MessageBuffer(capacity: Int(SEGIO_TIFF_MESSAGE_SIZE))
        var raster = [UInt32](repeating: 0, count: width * height)
        guard
          segio_tiff_read_rgba(
            tiff, UInt32(block.rows.lowerBound), UInt32(block.columns.lowerBound), UInt32(height), UInt32(width),
            &raster, &message.bytes)
        else { throw corrupt(path, message.text) }
        raster.withUnsafeBytes { raster in
          for row in 0..<height {
            for column in 0..<width {
              let (target, source) = (3 * (row * blockWidth + column), 4 * (row * width + column))
              for channel in 0..<3 { bytes[target + channel] = raster[source + channel] }
            }
          }
        }
      },
      { row, first, target, count, step in
        Self.convert(row, first, target, count, step) { (stored: UInt8) in stored }
      })
  }

  /// A strip or tile: its number, and the part of the image that it shows.
  private struct Block {
    let index: UInt32
    let rows, columns: Range<Int>
  }

  /// How the samples of decoded blocks lie in memory. Rows have the width of a block.
  private struct Storage {
    /// The samples of a pixel.
    let channels: Int
    /// The number of planes with blocks of their own: 1, or one for each channel.
    let planes: Int
    /// The bits of a sample.
    let bits: Int
    /// The size of a whole block.
    let byteCount: Int
  }

  /// Writes `count` samples of a block's row, from the one with index `first` on, to every `step`-th element of a target.
  private typealias Conversion<Value> = (
    _ row: UnsafeRawBufferPointer, _ first: Int, _ target: UnsafeMutablePointer<Value>, _ count: Int, _ step: Int
  ) -> Void

  /// Decodes the samples of a region as they are stored, and converts them.
  private func samples<Value: ExpressibleByIntegerLiteral>(
    in region: PixelRegion, of path: String, _ convert: Conversion<Value>
  ) throws(ImageError) -> [Value] {
    var message = MessageBuffer(capacity: Int(SEGIO_TIFF_MESSAGE_SIZE))
    let storage = Storage(
      channels: channels, planes: header.is_planar ? channels : 1, bits: Int(header.bits),
      byteCount: Int(header.block_bytes))
    return try decode(
      region, of: path, storage,
      { (block: Block, bytes: inout [UInt8]) throws(ImageError) in
        // The last strip has the remaining rows; a tile is always complete.
        let size = rowBytes * (header.is_tiled ? blockHeight : block.rows.count)
        guard segio_tiff_read_block(tiff, block.index, &bytes, size, &message.bytes) else {
          throw corrupt(path, message.text)
        }
      }, convert)
  }

  /// Decodes the blocks that show a region, and converts the samples of the region.
  private func decode<Value: ExpressibleByIntegerLiteral>(
    _ region: PixelRegion, of path: String, _ storage: Storage,
    _ read: (_ block: Block, _ bytes: inout [UInt8]) throws(ImageError) -> Void, _ convert: Conversion<Value>
  ) throws(ImageError) -> [Value] {
    var values = [Value](repeating: 0, count: region.height * region.width * storage.channels)
    let channelsInBlock = storage.channels / storage.planes
    let rowBytes = (blockWidth * channelsInBlock * storage.bits + 7) / 8
    let blockRows = region.rows.lowerBound / blockHeight...(region.rows.upperBound - 1) / blockHeight
    let blockColumns = region.columns.lowerBound / blockWidth...(region.columns.upperBound - 1) / blockWidth
    // The regions beside this one need the same strips.
    if !header.is_tiled, cache.capacity > 0, region.width < width {
      cache.reserveCapacity(blockRows.count * storage.planes * storage.byteCount)
    }
    for plane in 0..<storage.planes {
      for blockRow in blockRows {
        for blockColumn in blockColumns {
          let block = Block(
            index: UInt32((plane * down + blockRow) * across + blockColumn),
            rows: blockRow * blockHeight..<min((blockRow + 1) * blockHeight, height),
            columns: blockColumn * blockWidth..<min((blockColumn + 1) * blockWidth, width))
          let bytes = try cache.bytes(of: block.index, count: storage.byteCount) { (bytes) throws(ImageError) in
            try read(block, &bytes)
          }
          let rows = block.rows.clamped(to: region.rows)
          let columns = block.columns.clamped(to: region.columns)
          values.withUnsafeMutableBufferPointer { values in
            bytes.withUnsafeBytes { bytes in
              for row in rows {
                let place = (row - region.rows.lowerBound, columns.lowerBound - region.columns.lowerBound)
                let pixel = place.0 * region.width + place.1
                let start = (row - block.rows.lowerBound) * rowBytes
                convert(
                  UnsafeRawBufferPointer(rebasing: bytes[start..<start + rowBytes]),
                  (columns.lowerBound - block.columns.lowerBound) * channelsInBlock,
                  values.baseAddress! + pixel * storage.channels + plane, columns.count * channelsInBlock,
                  storage.planes)
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
    _ row: UnsafeRawBufferPointer, _ first: Int, _ target: UnsafeMutablePointer<Value>, _ count: Int, _ step: Int,
    _ value: (Stored) -> Value
  ) {
    for index in 0..<count {
      target[index * step] = value(
        row.loadUnaligned(fromByteOffset: (first + index) * MemoryLayout<Stored>.size, as: Stored.self))
    }
  }

  /// Reads a sample of up to 16 bits, which spans up to three bytes. A sample of exactly 16 bits has the machine's byte order.
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

/// A type to which the samples of a file are converted.
protocol TIFFNumber: ExpressibleByIntegerLiteral {
  init(_ value: Int64)
  init(_ value: UInt64)
  init(_ value: Double)
}

extension Float: TIFFNumber {}
extension Double: TIFFNumber {}
