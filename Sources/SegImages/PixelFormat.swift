import SegFiles

/// The supported image formats, recognised by the first bytes of a file.
enum PixelFormat: String, CaseIterable {
  case png = "PNG"
  case jpeg = "JPEG"
  case tiff = "TIFF"
  case webp = "WebP"
  case bmp = "BMP"
  case gif = "GIF"
  case heif = "HEIF"
  case avif = "AVIF"
  case netpbm = "netpbm"
  case numpy = "NumPy"

  init(of file: FileBytes, named path: String) throws(ImageError) {
    guard file.count > 0 else { throw ImageError(path, .empty) }
    let bytes = file.bytes
    if let format = PixelFormat.signatures.first(where: {
      $0.offset <= bytes.count && bytes.dropFirst($0.offset).starts(with: $0.bytes)
    })?.format {
      self = format
      return
    }
    if let format = PixelFormat(mediaBrands: bytes) {
      self = format
      return
    }
    // "P", a digit or letter, and a separator.
    if bytes.count > 2, bytes[0] == UInt8(ascii: "P"), "1234567Ff".utf8.contains(bytes[1]),
      NetpbmHeader.isSeparator(bytes[2])
    {
      self = .netpbm
      return
    }
    let other = PixelFormat.others.first { kind in
      kind.offset <= bytes.count && bytes.dropFirst(kind.offset).starts(with: kind.bytes)
    }
    throw ImageError(path, .unknownFormat(looksLike: other?.name))
  }

  /// Whether the first bytes of a file are those of a TIFF file.
  static func isTIFF(_ prefix: [UInt8]) -> Bool {
    signatures.contains { $0.format == .tiff && prefix.starts(with: $0.bytes) }
  }

  /// Whether compression is lossless. WebP may be either.
  var keepsSamples: Bool { ![.jpeg, .heif, .avif].contains(self) }

  private static let signatures: [(format: PixelFormat, offset: Int, bytes: [UInt8])] = [
    (.png, 0, [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
    (.jpeg, 0, [0xFF, 0xD8, 0xFF]),
    (.tiff, 0, [0x49, 0x49, 42, 0]), (.tiff, 0, [0x4D, 0x4D, 0, 42]),
    (.tiff, 0, [0x49, 0x49, 43, 0]), (.tiff, 0, [0x4D, 0x4D, 0, 43]),
    (.webp, 8, Array("WEBP".utf8)), (.gif, 0, Array("GIF87a".utf8)), (.gif, 0, Array("GIF89a".utf8)),
    (.bmp, 0, Array("BM".utf8)), (.numpy, 0, NPY.magic),
  ]

  /// Recognises a file that begins with a box of brands (ISO/IEC 14496-12).
  private init?(mediaBrands bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= 16, bytes.dropFirst(4).starts(with: Array("ftyp".utf8)) else { return nil }
    let size = bytes[..<4].reduce(0) { $0 << 8 | Int($1) }
    let brands = stride(from: 8, to: min(size, bytes.count) - 3, by: 4).filter { $0 != 12 }.map {
      String(decoding: bytes[$0..<$0 + 4], as: UTF8.self)
    }
    if brands.contains(where: { ["avif", "avis"].contains($0) }) {
      self = .avif
    } else if brands.contains(where: { ["heic", "heix", "heim", "heis", "hevc", "mif1", "msf1"].contains($0) }) {
      self = .heif
    } else {
      return nil
    }
  }

  /// Unsupported formats, for error messages.
  private static let others: [(name: String, offset: Int, bytes: [UInt8])] = [
    ("JPEG 2000", 0, [0, 0, 0, 12, 0x6A, 0x50, 0x20, 0x20]), ("JPEG 2000", 0, [0xFF, 0x4F, 0xFF, 0x51]),
    ("JPEG XL", 0, [0xFF, 0x0A]), ("JPEG XL", 0, [0, 0, 0, 12, 0x4A, 0x58, 0x4C, 0x20]),
    ("a video", 4, Array("ftyp".utf8)), ("PDF", 0, Array("%PDF".utf8)), ("Photoshop", 0, Array("8BPS".utf8)),
    ("OpenEXR", 0, [0x76, 0x2F, 0x31, 0x01]), ("HDF5", 0, [0x89, 0x48, 0x44, 0x46]), ("DICOM", 128, Array("DICM".utf8)),
    ("FITS", 0, Array("SIMPLE  =".utf8)), ("Radiance HDR", 0, Array("#?".utf8)),
    ("a JPEG stripped of its start", 0, [0xFF, 0xD8]),
    ("a zip archive", 0, [0x50, 0x4B, 3, 4]), ("compressed by gzip", 0, [0x1F, 0x8B]),
    ("a pointer of Git LFS", 0, Array("version https://git-lfs".utf8)), ("SVG, XML or a web page", 0, Array("<".utf8)),
  ]
}
