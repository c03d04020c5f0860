/// The image files that are read, told apart by their first bytes.
enum PixelFormat: String {
  case png = "PNG"
  case jpeg = "JPEG"
  case tiff = "TIFF"

  init(of file: FileBytes, named path: String) throws(ImageError) {
    guard file.count > 0 else { throw ImageError(path, .empty) }
    if let format = PixelFormat.signatures.first(where: { file.starts(with: $0.bytes) })?.format {
      self = format
      return
    }
    let other = PixelFormat.others.first { kind in
      kind.offset < file.count && file.bytes.dropFirst(kind.offset).starts(with: kind.bytes)
    }
    throw ImageError(path, .unknownFormat(looksLike: other?.name))
  }

  private static let signatures: [(format: PixelFormat, bytes: [UInt8])] = [
    (.png, [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
    (.jpeg, [0xFF, 0xD8, 0xFF]),
    (.tiff, [0x49, 0x49, 42, 0]), (.tiff, [0x4D, 0x4D, 0, 42]),
    (.tiff, [0x49, 0x49, 43, 0]), (.tiff, [0x4D, 0x4D, 0, 43]),
  ]

  /// Formats that are not read, so that the message can say what a file is.
  private static let others: [(name: String, offset: Int, bytes: [UInt8])] = [
    ("GIF", 0, Array("GIF8".utf8)), ("BMP", 0, Array("BM".utf8)), ("WebP", 8, Array("WEBP".utf8)),
    ("HEIF or AVIF", 4, Array("ftyp".utf8)), ("JPEG XL", 0, [0xFF, 0x0A]), ("PDF", 0, Array("%PDF".utf8)),
    ("a zip archive", 0, [0x50, 0x4B, 3, 4]), ("a NumPy array", 0, [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]),
    ("SVG or XML", 0, Array("<".utf8)),
  ]
}
