import SegFiles

/// Room for the one line that a C function writes when it fails.
struct MessageBuffer {
  var bytes: [CChar]

  init(capacity: Int) { bytes = [CChar](repeating: 0, count: capacity) }

  /// What was written, without what some libraries end it with.
  var text: String {
    let end = bytes.firstIndex(of: 0) ?? bytes.endIndex
    return oneLine(String(decoding: bytes[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self))
  }
}
