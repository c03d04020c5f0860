import SegFiles

/// Reads the operands of a pickle's opcodes: integers, strings and lines.
struct PickleReader {
  private let bytes: UnsafeRawBufferPointer
  /// The position of the next byte.
  private(set) var position: Int

  init(_ bytes: UnsafeRawBufferPointer, from start: Int) {
    self.bytes = bytes
    position = start
  }

  /// Returns an error about the pickle that names the position.
  func failure(_ reason: String) -> FormatFailure {
    FormatFailure("its pickle, at byte \(position), \(reason)")
  }

  /// Reads `count` bytes.
  mutating func take(_ count: UInt64) throws(FormatFailure) -> UnsafeRawBufferPointer {
    guard count <= UInt64(bytes.count - position) else { throw failure("ends too early") }
    let start = position
    position += Int(count)
    return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
  }

  /// Reads one byte.
  mutating func byte() throws(FormatFailure) -> UInt8 { try take(1)[0] }

  /// Reads a little-endian integer. All but one opcode use this byte order.
  mutating func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
    _ type: Integer.Type
  ) throws(FormatFailure) -> Integer {
    Integer(littleEndian: try take(UInt64(MemoryLayout<Integer>.size)).loadUnaligned(as: type))
  }

  /// Reads a UTF-8 string of `count` bytes.
  mutating func string(count: UInt64) throws(FormatFailure) -> String {
    String(decoding: try take(count), as: UTF8.self)
  }

  /// Reads the bytes up to the next line feed, and the line feed.
  mutating func line() throws(FormatFailure) -> String {
    guard let end = bytes[position...].firstIndex(of: 0x0A) else { throw failure("ends too early") }
    let line = String(decoding: bytes[position..<end], as: UTF8.self)
    position = end + 1
    return line
  }
}
