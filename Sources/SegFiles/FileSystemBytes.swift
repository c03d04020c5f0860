/// File names are bytes, and most are UTF-8. `String` holds Unicode only, so other bytes are mapped to private-use scalars. The mapping
/// is reversible:
///
/// - A byte (0x80 to 0xFF) outside any valid UTF-8 sequence becomes the scalar U+10FE00 + byte. These are 128 scalars at the end of the
///   second private-use plane, which no standard and no font uses.
/// - If a name itself contains one of these scalars, each of its four bytes is mapped in the same way.
///
/// Every sequence of bytes has exactly one string, which maps back to those bytes. A name in UTF-8 is mapped to itself. All functions of
/// this package that take a path use ``Swift/String/fileSystemBytes``.
extension String {
  /// The scalars that represent bytes.
  private static let carriers: ClosedRange<UInt32> = 0x10FE80...0x10FEFF
  private static let carrierBase: UInt32 = 0x10FE00
  /// The first byte of those scalars in UTF-8. Few other scalars begin with it.
  private static let carrierLead: UInt8 = 0xF4

  /// Makes the string of a path's or a file name's bytes, which may be any.
  public init(fileSystemBytes bytes: some Collection<UInt8>) {
    if let text = String(validating: bytes, as: UTF8.self), !text.utf8.contains(String.carrierLead) {
      self = text
      return
    }
    let bytes = Array(bytes)
    var scalars = String.UnicodeScalarView()
    func carry(_ range: Range<Int>) {
      for byte in bytes[range] { scalars.append(Unicode.Scalar(String.carrierBase + UInt32(byte))!) }
    }
    var parser = UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    var place = 0
    parsing: while true {
      switch parser.parseScalar(from: &iterator) {
      case .valid(let encoded):
        let scalar = UTF8.decode(encoded)
        if String.carriers.contains(scalar.value) {
          carry(place..<place + encoded.count)
        } else {
          scalars.append(scalar)
        }
        place += encoded.count
      case .error(let length):
        carry(place..<place + length)
        place += length
      case .emptyInput: break parsing
      }
    }
    self = String(scalars)
  }

  /// The bytes of this path or file name, as passed to the operating system.
  public var fileSystemBytes: [UInt8] {
    guard utf8.contains(String.carrierLead) else { return Array(utf8) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(utf8.count)
    for scalar in unicodeScalars {
      if String.carriers.contains(scalar.value) {
        bytes.append(UInt8(scalar.value - String.carrierBase))
      } else {
        bytes.append(contentsOf: UTF8.encode(scalar)!)
      }
    }
    return bytes
  }

  /// Returns the text with each byte that is not UTF-8 as `\xE9`, for display and for standards that require Unicode.
  ///
  /// - Parameter backslash: The text that represents the backslash.
  package func showingUndecodableBytes(backslash: String = "\\") -> String {
    guard utf8.contains(String.carrierLead) else { return self }
    var text = ""
    for scalar in unicodeScalars {
      if String.carriers.contains(scalar.value) {
        let digits = String(scalar.value - String.carrierBase, radix: 16, uppercase: true)
        text += backslash + "x" + digits
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  /// Calls `body` with the path as a C string of its ``fileSystemBytes``. All paths become C strings here. A path that contains a NUL
  /// byte, which no file can have, becomes the empty path, which no system call accepts.
  package func withFileSystemPath<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    let bytes = utf8.contains(0) ? [] : fileSystemBytes
    return (bytes + [0]).withUnsafeBufferPointer { buffer in
      buffer.withMemoryRebound(to: CChar.self) { body($0.baseAddress!) }
    }
  }
}
