import SegFiles

/// A buffer for the one-line message of a C function that fails.
struct MessageBuffer {
  var bytes: [CChar]

  init(capacity: Int) { bytes = [CChar](repeating: 0, count: capacity) }

  /// The message as one line.
  var text: String {
    let end = bytes.firstIndex(of: 0) ?? bytes.endIndex
    return oneLine(String(decoding: bytes[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self))
  }
}
