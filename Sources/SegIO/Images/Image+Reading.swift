import SegEngine

extension Image {
  /// Reads a PNG, JPEG or TIFF file, told apart by its contents and not by its name.
  ///
  /// - PNG: every kind. Palettes become RGB, transparency an alpha channel, grey of 1, 2 or 4 bits is scaled to 8;
  ///   samples of 16 bits keep their values exactly. No colour management and no gamma correction takes place.
  /// - JPEG: grey and RGB. The EXIF orientation is applied. CMYK is refused.
  /// - TIFF: the first page. Unsigned samples of 8 or 16 bits (1, 2 and 4 where a pixel has one sample), grey, palette
  ///   or RGB, with or without alpha, strips or tiles, any compression that libtiff knows. Its orientation tag is
  ///   applied.
  ///
  /// - Parameters:
  ///   - path: A file, or a pipe that is read to its end.
  ///   - limits: Beyond these the file is refused before memory is set aside for it.
  /// - Throws: ``ImageError`` where the file cannot be read, is damaged or incomplete, too large, or of an unsupported
  ///   kind.
  public init(contentsOf path: String, limits: ImageLimits = .default) throws(ImageError) {
    try self.init(try FileBytes(image: path, limits: limits), named: path, limits: limits)
  }

  /// Decodes the contents of a PNG, JPEG or TIFF file.
  ///
  /// - Parameters:
  ///   - bytes: The file's contents.
  ///   - name: What error messages call them.
  ///   - limits: Beyond these the image is refused before memory is set aside for it.
  /// - Throws: ``ImageError``, as `init(contentsOf:limits:)` does.
  public init(decoding bytes: [UInt8], named name: String = "image", limits: ImageLimits = .default) throws(ImageError)
  {
    try self.init(FileBytes(bytes), named: name, limits: limits)
  }

  private init(_ file: FileBytes, named path: String, limits: ImageLimits) throws(ImageError) {
    switch try PixelFormat(of: file, named: path) {
    case .png: self = try PNGDecoder(file, named: path, limits: limits).decodeColors()
    case .jpeg: self = try JPEGDecoder.decode(file, named: path, limits: limits)
    case .tiff: self = try TIFFDecoder(file, named: path, limits: limits).decodeColors()
    }
  }
}

extension FileBytes {
  /// Reads an image file as far as the limits allow.
  convenience init(image path: String, limits: ImageLimits) throws(ImageError) {
    do {
      try self.init(reading: path, limit: limits.maximumFileBytes)
    } catch {
      throw ImageError(error)
    }
  }
}
