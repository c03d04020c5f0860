/// The segments of a JPEG file (ITU-T T.81, annex B): where its EXIF data lies, and whether it ends with the marker
/// that closes an image.
struct JPEGMarkers {
  /// The contents of the first APP1 segment that begins with "Exif".
  private(set) var exif: UnsafeRawBufferPointer?
  /// Whether an end-of-image marker follows the pixels.
  private(set) var isClosed = false

  init(_ bytes: UnsafeRawBufferPointer) {
    var position = 2
    while position + 1 < bytes.count {
      // Between segments, and within compressed data, only 0xFF followed by a code announces a marker. 0xFF00 is a data
      // byte, 0xFFD0 to 0xFFD7 restart the decoder, further 0xFF are padding.
      guard bytes[position] == 0xFF else {
        position += 1
        continue
      }
      switch bytes[position + 1] {
      case 0xFF:
        position += 1
      case 0x00, 0x01, 0xD0...0xD8:
        position += 2
      case 0xD9:
        isClosed = true
        return
      case let code:
        guard position + 3 < bytes.count else { return }
        let length = Int(bytes[position + 2]) << 8 | Int(bytes[position + 3])
        guard length >= 2, position + 2 + length <= bytes.count else { return }
        let contents = UnsafeRawBufferPointer(rebasing: bytes[(position + 4)..<(position + 2 + length)])
        if code == 0xE1, exif == nil, contents.starts(with: Array("Exif\0\0".utf8)) { exif = contents }
        position += 2 + length
      }
    }
  }
}
