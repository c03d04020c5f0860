import CTIFFShim
import SegFiles

/// Encodes a TIFF file row by row. The file appears when it is complete, or not at all.
final class TIFFEncoder {
  /// The pixels of a file and how they are stored.
  struct Layout {
    enum Element {
      case uint8, uint16, float32

      var byteCount: Int {
        switch self {
        case .uint8: 1
        case .uint16: 2
        case .float32: 4
        }
      }
    }

    enum Predictor: UInt16 {
      case none = 1
      /// Each sample less the one to its left.
      case horizontal = 2
      /// The same of the bytes of floating-point samples, sorted by their significance.
      case floatingPoint = 3
    }

    let width, height: Int
    let element: Element
    /// The samples of a pixel.
    let channels: Int
    let isCompressed: Bool
    let predictor: Predictor
    /// The width of a tile; `nil` for strips.
    let tileWidth: Int?
    /// The rows of a strip or tile.
    let blockHeight: Int
    /// 256 colours as red, then green, then blue of 16 bits; `nil` for grey.
    let colorMap: [UInt16]?
    /// Whether the file is to be a BigTIFF; `nil` if the size decides.
    let isBig: Bool?

    var rowByteCount: Int { width * channels * element.byteCount }

    /// Whether offsets have 64 bits, as in BigTIFF.
    var hasLongOffsets: Bool { isBig ?? (largestByteCount >= 4_294_967_296) }

    /// The most bytes that the file may have: what deflate leaves of samples that cannot be compressed, with offsets and sizes of blocks.
    private var largestByteCount: Double {
      let blockWidth = tileWidth ?? width
      let across = (width + blockWidth - 1) / blockWidth
      let down = (height + blockHeight - 1) / blockHeight
      let samples =
        Double(across * blockWidth) * Double(down * blockHeight) * Double(channels * element.byteCount)
      return samples * 1.01 + Double(across) * Double(down) * 64 + 1e6
    }
  }

  private let path: String
  private let layout: Layout
  private let writer: OpaquePointer
  /// `nil` once the file is complete.
  private var file: AtomicFile?
  /// A row of blocks, of which `filled` rows are there.
  private var band: [UInt8]
  private var filled = 0
  private var nextBlock = 0
  /// The number of rows that were appended.
  private(set) var rowCount = 0

  init(replacing path: String, _ layout: Layout) throws(ImageError) {
    guard layout.width > 0, layout.height > 0, layout.width <= 1 << 31, layout.height <= 1 << 31 else {
      throw ImageError(
        path, .cannotEncode(reason: "TIFF has no image of \(layout.width)×\(layout.height) pixels"))
    }
    let file: AtomicFile
    do {
      file = try AtomicFile(replacing: path)
    } catch {
      throw ImageError(error)
    }
    var message = MessageBuffer(capacity: Int(SEGIO_TIFF_MESSAGE_SIZE))
    // A strip has at most the rows of the image, a tile all of its own.
    let blockHeight = layout.tileWidth == nil ? min(layout.blockHeight, layout.height) : layout.blockHeight
    let descriptor = file.descriptor
    let writer = (layout.colorMap ?? []).withUnsafeBufferPointer { colors in
      var stored = segio_tiff_layout()
      stored.width = UInt32(layout.width)
      stored.height = UInt32(layout.height)
      stored.bits = UInt16(8 * layout.element.byteCount)
      stored.samples = UInt16(layout.channels)
      stored.sample_format = layout.element == .float32 ? 3 : 1
      stored.compression = layout.isCompressed ? 8 : 1
      stored.predictor = layout.predictor.rawValue
      stored.tile_width = UInt32(layout.tileWidth ?? 0)
      stored.tile_height = UInt32(blockHeight)
      stored.rows_per_strip = UInt32(blockHeight)
      stored.color_map = layout.colorMap == nil ? nil : colors.baseAddress
      stored.is_big = layout.hasLongOffsets
      return segio_tiff_create(descriptor, &stored, &message.bytes)
    }
    guard let writer else { throw ImageError(path, .cannotEncode(reason: message.text)) }
    self.path = path
    self.layout = layout
    self.writer = writer
    self.file = consume file
    band = [UInt8](repeating: 0, count: blockHeight * layout.rowByteCount)
  }

  // The handle is closed before the file, which is a property.
  deinit { segio_tiff_writer_close(writer) }

  /// Sets a tag that has elements of any type.
  func set(_ tag: Int, count: Int, _ bytes: [UInt8]) throws(ImageError) {
    var message = MessageBuffer(capacity: Int(SEGIO_TIFF_MESSAGE_SIZE))
    // Elements are copied. An array's memory is aligned to 16 bytes.
    guard segio_tiff_set_tag(writer, UInt32(tag), UInt32(count), bytes, &message.bytes) else {
      throw failure(message)
    }
  }

  /// Appends rows. `write` writes the samples of a row, in native byte order.
  ///
  /// - Precondition: The file does not have more rows then.
  func append(
    rows: Int, _ write: (_ row: Int, _ target: UnsafeMutableRawBufferPointer) throws(ImageError) -> Void
  ) throws(ImageError) {
    precondition(rowCount + rows <= layout.height, "\(rowCount + rows) rows for an image of \(layout.height)")
    let rowByteCount = layout.rowByteCount
    for row in 0..<rows {
      let start = filled * rowByteCount
      let result = band.withUnsafeMutableBytes { band in
        Result { () throws(ImageError) in
          try write(row, UnsafeMutableRawBufferPointer(rebasing: band[start..<start + rowByteCount]))
        }
      }
      try result.get()
      filled += 1
      rowCount += 1
      if filled * rowByteCount == band.count || rowCount == layout.height { try writeBand() }
    }
  }

  /// Gives the file its name.
  ///
  /// - Precondition: All rows were appended, and the file was not finished.
  func finish() throws(ImageError) {
    precondition(rowCount == layout.height, "\(rowCount) rows of an image of \(layout.height)")
    guard let file = file.take() else { preconditionFailure("the file is finished") }
    var message = MessageBuffer(capacity: Int(SEGIO_TIFF_MESSAGE_SIZE))
    guard segio_tiff_finish(writer, &message.bytes) else { throw failure(message) }
    do {
      try file.commit()
    } catch {
      throw ImageError(error)
    }
  }

  private func writeBand() throws(ImageError) {
    let pixelByteCount = layout.channels * layout.element.byteCount
    guard let tileWidth = layout.tileWidth else {
      // The last strip has the remaining rows.
      try write(band, count: filled * layout.rowByteCount)
      filled = 0
      return
    }
    let blockHeight = band.count / layout.rowByteCount
    for column in stride(from: 0, to: layout.width, by: tileWidth) {
      var tile = [UInt8](repeating: 0, count: blockHeight * tileWidth * pixelByteCount)
      let count = min(tileWidth, layout.width - column) * pixelByteCount
      tile.withUnsafeMutableBytes { tile in
        band.withUnsafeBytes { band in
          for row in 0..<filled {
            let source = row * layout.rowByteCount + column * pixelByteCount
            tile.baseAddress!.advanced(by: row * tileWidth * pixelByteCount).copyMemory(
              from: band.baseAddress! + source, byteCount: count)
          }
        }
      }
      try write(tile, count: tile.count)
    }
    filled = 0
  }

  private func write(_ block: [UInt8], count: Int) throws(ImageError) {
    var message = MessageBuffer(capacity: Int(SEGIO_TIFF_MESSAGE_SIZE))
    guard segio_tiff_write_block(writer, UInt32(nextBlock), block, count, &message.bytes) else {
      throw failure(message)
    }
    nextBlock += 1
  }

  private func failure(_ message: MessageBuffer) -> ImageError {
    let code = segio_tiff_write_error(writer)
    return code == 0
      ? ImageError(path, .cannotEncode(reason: message.text))
      : ImageError(FileError(path, .system(attempt: "cannot be written", errno: code)))
  }
}
