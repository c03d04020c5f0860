import CTIFFShim
import SegFiles

/// The bytes of a TIFF file: in memory, or in an open file of which only what is needed is read.
enum TIFFInput {
  case bytes(FileBytes)
  /// A regular file.
  case file(OpenFile)

  /// The size in bytes.
  var count: Int {
    switch self {
    case .bytes(let bytes): bytes.count
    case .file(let file): file.count
    }
  }

  /// Opens a page, counted from 1. The input must live as long as the returned page, which is `nil`, with a message, if there is none.
  func open(
    page: Int, maximumAllocation: Int, _ header: inout segio_tiff_header, _ message: inout MessageBuffer
  ) -> OpaquePointer? {
    let page = UInt32(clamping: page)
    switch self {
    case .bytes(let bytes):
      return segio_tiff_open(
        bytes.bytes.baseAddress, bytes.count, maximumAllocation, page, &header, &message.bytes)
    case .file(let file):
      return segio_tiff_open_descriptor(
        file.descriptor, UInt64(file.count), maximumAllocation, page, &header, &message.bytes)
    }
  }
}
