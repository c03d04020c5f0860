import SegEngine
import SegFiles

extension Image {
  /// Reads an image file. The format is recognised by the contents, not by the name.
  ///
  /// - PNG: every kind. Palettes become RGB, transparency becomes an alpha channel, grey of 1, 2 or 4 bits is scaled to 8; samples of 16
  ///   bits keep their values exactly.
  /// - JPEG: grey, RGB and inks (CMYK, YCCK), which become RGB.
  /// - TIFF: one page, by default the first. Integers of up to 64 bits, packed or not, and floating-point samples; grey, palette, RGB,
  ///   inks, YCbCr, CIELab, with alpha or any number of bands.
  /// - WebP and GIF: the first frame; BMP; netpbm (PBM, PGM, PPM, PAM, PFM).
  /// - HEIF and AVIF, if libheif is installed.
  /// - NumPy arrays (`.npy`): [H, W], [H, W, C] or [C, H, W].
  ///
  /// Orientations that files state are applied. There is no colour management and no gamma correction. Warnings about the file are
  /// discarded; `reading(contentsOf:page:limits:)` returns them.
  ///
  /// - Parameters:
  ///   - path: A file, or a pipe that is read to its end.
  ///   - limits: Larger files are refused before memory is allocated for them.
  /// - Throws: ``ImageError`` if the file cannot be read, is damaged or incomplete, too large, or of an unsupported kind.
  public init(contentsOf path: String, limits: ImageLimits = .default) throws(ImageError) {
    self = try Image.reading(contentsOf: path, limits: limits).image
  }

  /// Decodes the contents of an image file.
  ///
  /// - Parameters:
  ///   - bytes: The file's contents.
  ///   - name: The name of the file in error messages.
  ///   - limits: Larger images are refused before memory is allocated for them.
  /// - Throws: ``ImageError``, as `init(contentsOf:limits:)` does.
  public init(decoding bytes: [UInt8], named name: String = "image", limits: ImageLimits = .default) throws(ImageError)
  {
    self = try Image.reading(decoding: bytes, named: name, limits: limits).image
  }

  /// Reads a page of an image file as `init(contentsOf:limits:)` does, and returns warnings about the file too.
  ///
  /// - Parameters:
  ///   - path: A file, or a pipe that is read to its end.
  ///   - page: The page of a TIFF file, counted from 1. Reduced copies and masks of pages are not counted.
  ///   - limits: Larger files are refused before memory is allocated for them.
  /// - Throws: ``ImageError``, as `init(contentsOf:limits:)` does, also if the file has no such page.
  public static func reading(
    contentsOf path: String, page: Int = 1, limits: ImageLimits = .default
  ) throws(ImageError) -> (image: Image, warnings: [ImageWarning]) {
    let file = try FileBytes(image: path, limits: limits)
    return try reading(file, try PixelFormat(of: file, named: path), named: path, page: page, limits: limits)
  }

  /// Decodes a page of an image file's contents as `init(decoding:named:limits:)` does, and returns warnings about the file too.
  ///
  /// - Parameters:
  ///   - bytes: The file's contents.
  ///   - name: The name of the file in messages.
  ///   - page: The page of a TIFF file, counted from 1.
  ///   - limits: Larger images are refused before memory is allocated for them.
  /// - Throws: ``ImageError``, as `reading(contentsOf:page:limits:)` does.
  public static func reading(
    decoding bytes: [UInt8], named name: String = "image", page: Int = 1, limits: ImageLimits = .default
  ) throws(ImageError) -> (image: Image, warnings: [ImageWarning]) {
    let file = FileBytes(bytes)
    return try reading(file, try PixelFormat(of: file, named: name), named: name, page: page, limits: limits)
  }

  /// Decodes a file of a known format.
  static func reading(
    _ file: FileBytes, _ format: PixelFormat, named path: String, page: Int, limits: ImageLimits
  ) throws(ImageError) -> (image: Image, warnings: [ImageWarning]) {
    guard page == 1 || page > 1 && format == .tiff else { throw ImageError(path, .noPage(page, of: 1)) }
    var warnings: [ImageWarning.Kind] = []
    let image: Image
    switch format {
    case .png: image = try PNGDecoder(file, named: path, limits: limits).decodeColors(&warnings)
    case .jpeg: image = try JPEGDecoder.decode(file, named: path, limits: limits, &warnings)
    case .tiff:
      image = try TIFFDecoder(file, named: path, page: page, limits: limits, &warnings).decodeColors(&warnings)
    case .webp: image = try WebPDecoder.decode(file, named: path, limits: limits, &warnings)
    case .bmp: image = try BMPDecoder(file, named: path, limits: limits).decodeColors()
    case .gif: image = try GIFDecoder(file, named: path, limits: limits).decodeColors(&warnings)
    case .heif, .avif: image = try HEIFDecoder.decode(file, format, named: path, limits: limits)
    case .netpbm: image = try NetpbmDecoder(file, named: path, limits: limits).decode(&warnings)
    case .numpy: image = try NumPyImage.decode(file, named: path, limits: limits, &warnings)
    }
    let finite = image.withFiniteSamples(&warnings)
    return (finite, warnings.map { ImageWarning(path, $0) })
  }
}

extension FileBytes {
  /// Reads an image file within the limits.
  convenience init(image path: String, limits: ImageLimits) throws(ImageError) {
    do {
      try self.init(reading: path, limit: limits.maximumFileBytes)
    } catch {
      throw ImageError(error)
    }
  }
}
