#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
import SegEngine
import SegFiles

// Each function is equivalent to the function of the same name that takes a path.

extension ImageError {
  /// Returns the path of a file URL.
  fileprivate static func path(of url: URL) throws(ImageError) -> String {
    try String(pathOf: url, orThrow: ImageError.init)
  }
}

extension Image {
  /// Reads an image file. The format is recognised by the contents, not by the name.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - limits: Larger files are refused before memory is allocated for them.
  /// - Throws: ``ImageError`` if the file cannot be read, is damaged, too large, or of an unsupported kind.
  public init(contentsOf url: URL, limits: ImageLimits = .default) throws(ImageError) {
    try self.init(contentsOf: ImageError.path(of: url), limits: limits)
  }

  /// Reads a page of an image file, and returns warnings about the file too.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - page: The page of a TIFF file, counted from 1. Reduced copies and masks of pages are not counted.
  ///   - limits: Larger files are refused before memory is allocated for them.
  /// - Throws: ``ImageError``, also if the file has no such page.
  public static func reading(
    contentsOf url: URL, page: Int = 1, limits: ImageLimits = .default
  ) throws(ImageError) -> (image: Image, warnings: [ImageWarning]) {
    try reading(contentsOf: ImageError.path(of: url), page: page, limits: limits)
  }

  /// Writes the image as a PNG file, completely or not at all.
  ///
  /// - Throws: ``ImageError`` if the image cannot be encoded or the file cannot be written.
  public func writePNG(to url: URL) throws(ImageError) { try writePNG(to: ImageError.path(of: url)) }
}

extension LabelMap {
  /// Reads a mask from a file with lossless compression.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - reading: How pixels are converted to labels.
  ///   - limits: Larger files are refused before memory is allocated for them.
  /// - Throws: ``ImageError`` if the file cannot be read, is damaged or too large, or contains no labels in that reading.
  public init(
    contentsOf url: URL, reading: Reading = .storedValue, limits: ImageLimits = .default
  ) throws(ImageError) {
    try self.init(contentsOf: ImageError.path(of: url), reading: reading, limits: limits)
  }

  /// Reads a mask from a file, and returns warnings about the file too.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - reading: How pixels are converted to labels.
  ///   - limits: Larger files are refused before memory is allocated for them.
  /// - Throws: ``ImageError``, as `init(contentsOf:reading:limits:)` does.
  public static func reading(
    contentsOf url: URL, as reading: Reading = .storedValue, limits: ImageLimits = .default
  ) throws(ImageError) -> (labels: LabelMap, warnings: [ImageWarning]) {
    try self.reading(contentsOf: ImageError.path(of: url), as: reading, limits: limits)
  }

  /// Writes the labels as a PNG file with a palette, completely or not at all.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - palette: The colours of the labels.
  /// - Throws: ``ImageError`` if the labels cannot be encoded or the file cannot be written.
  public func writePNG(to url: URL, palette: Palette = .distinct) throws(ImageError) {
    try writePNG(to: ImageError.path(of: url), palette: palette)
  }

  /// Writes the labels as a TIFF file, completely or not at all.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - georeference: The georeference of the image.
  ///   - palette: The colours in which viewers show labels of 8 bits; `nil` for grey.
  /// - Throws: ``ImageError`` if the file cannot be written, or the map has no pixels.
  public func writeTIFF(
    to url: URL, georeference: Georeference? = nil, palette: Palette? = nil
  ) throws(ImageError) {
    try writeTIFF(to: ImageError.path(of: url), georeference: georeference, palette: palette)
  }
}

extension ImageFile {
  /// Opens an image file that is read region by region.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - page: The page of a TIFF file, counted from 1.
  ///   - limits: The largest region, strip or tile of a TIFF file, and the largest image of other formats.
  ///   - cacheByteCount: The most bytes of decoded strips or tiles that are kept for further regions.
  /// - Throws: ``ImageError`` if the file cannot be read, is damaged, too large, or of an unsupported kind.
  public convenience init(
    contentsOf url: URL, page: Int = 1, limits: ImageLimits = .default, cacheByteCount: Int = 1 << 27
  ) throws(ImageError) {
    try self.init(
      contentsOf: ImageError.path(of: url), page: page, limits: limits, cacheByteCount: cacheByteCount)
  }
}

extension TIFFWriter {
  /// Begins a file.
  ///
  /// - Parameters:
  ///   - url: The file. One that is there is replaced by ``finish()``.
  ///   - width: Width in pixels.
  ///   - height: Height in pixels.
  ///   - content: What the samples are.
  ///   - options: How the file is written.
  /// - Throws: ``ImageError`` if the file cannot be created, or TIFF has no such image.
  public convenience init(
    to url: URL, width: Int, height: Int, content: Content, options: Options = Options()
  ) throws(ImageError) {
    try self.init(
      to: ImageError.path(of: url), width: width, height: height, content: content, options: options)
  }
}

extension LabelColors {
  /// Reads a list of classes: a text file with one colour per line.
  ///
  /// - Throws: ``LabelColorsError``.
  public init(contentsOf url: URL) throws(LabelColorsError) {
    try self.init(
      contentsOf: String(pathOf: url) { error in LabelColorsError(path: error.path, cause: .file(error)) })
  }
}

extension LabelledImages {
  /// Finds the pairs below two directories.
  ///
  /// - Parameters:
  ///   - images: The directory of the images. Links to directories are followed.
  ///   - masks: The directory of the masks.
  ///   - subject: The kind of files on the image side.
  ///   - imageSuffix: The end of the images' names, before the ending. Other files are left out.
  ///   - maskSuffix: The end of the masks' names, before the ending. Other files are left out.
  ///   - readsColors: Whether colours are read as labels. Then pictures in colours are masks too.
  /// - Throws: ``DatasetError`` if a directory cannot be read, or if a file has no counterpart or several.
  public init(
    images: URL, masks: URL, subject: Subject = .images, imageSuffix: String? = nil, maskSuffix: String? = nil,
    readsColors: Bool = false
  ) throws(DatasetError) {
    func path(_ url: URL) throws(DatasetError) -> String {
      try String(pathOf: url) { error in DatasetError(error.path, .file(error)) }
    }
    try self.init(
      images: path(images), masks: path(masks), subject: subject, imageSuffix: imageSuffix, maskSuffix: maskSuffix,
      readsColors: readsColors)
  }
}
