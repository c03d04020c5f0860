#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
import SegEngine
import SegFiles

// Each function does what the one of the same name does with a path.

extension ImageError {
  /// The path of a file's URL.
  fileprivate static func path(of url: URL) throws(ImageError) -> String {
    do throws(FileError) {
      return try String(pathOf: url)
    } catch {
      throw ImageError(error)
    }
  }
}

extension Image {
  /// Reads an image file, told apart by its contents and not by its name.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - limits: Beyond these the file is refused before memory is set aside for it.
  /// - Throws: ``ImageError`` where the file cannot be read, is damaged, too large, or of an unsupported kind.
  public init(contentsOf url: URL, limits: ImageLimits = .default) throws(ImageError) {
    try self.init(contentsOf: ImageError.path(of: url), limits: limits)
  }

  /// Reads a page of an image file, and returns what may matter about the file.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - page: Which page of a TIFF file, counted from 1; reduced copies and masks of pages are not counted.
  ///   - limits: Beyond these the file is refused before memory is set aside for it.
  /// - Throws: ``ImageError``, also where the file has no such page.
  public static func reading(
    contentsOf url: URL, page: Int = 1, limits: ImageLimits = .default
  ) throws(ImageError) -> (image: Image, warnings: [ImageWarning]) {
    try reading(contentsOf: ImageError.path(of: url), page: page, limits: limits)
  }

  /// Writes the image as a PNG file, whole or not at all.
  ///
  /// - Throws: ``ImageError`` where the image cannot be encoded or the file cannot be written.
  public func writePNG(to url: URL) throws(ImageError) { try writePNG(to: ImageError.path(of: url)) }
}

extension LabelMap {
  /// Reads a mask from a file of a format that keeps values.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - reading: How pixels become labels.
  ///   - limits: Beyond these the file is refused before memory is set aside for it.
  /// - Throws: ``ImageError`` where the file cannot be read, is damaged or too large, or holds no labels in that reading.
  public init(
    contentsOf url: URL, reading: Reading = .storedValue, limits: ImageLimits = .default
  ) throws(ImageError) {
    try self.init(contentsOf: ImageError.path(of: url), reading: reading, limits: limits)
  }

  /// Reads a mask from a file, and returns what may matter about the file.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - reading: How pixels become labels.
  ///   - limits: Beyond these the file is refused before memory is set aside for it.
  /// - Throws: ``ImageError``, as `init(contentsOf:reading:limits:)` does.
  public static func reading(
    contentsOf url: URL, as reading: Reading = .storedValue, limits: ImageLimits = .default
  ) throws(ImageError) -> (labels: LabelMap, warnings: [ImageWarning]) {
    try self.reading(contentsOf: ImageError.path(of: url), as: reading, limits: limits)
  }

  /// Writes the labels as a PNG file with a palette, whole or not at all.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - palette: The colours of the labels.
  /// - Throws: ``ImageError`` where the labels cannot be encoded or the file cannot be written.
  public func writePNG(to url: URL, palette: Palette = .pascalVOC) throws(ImageError) {
    try writePNG(to: ImageError.path(of: url), palette: palette)
  }
}

extension LabelColors {
  /// Reads a list of classes: a text file with a colour a line.
  ///
  /// - Throws: ``LabelColorsError``.
  public init(contentsOf url: URL) throws(LabelColorsError) {
    let path: String
    do throws(FileError) {
      path = try String(pathOf: url)
    } catch {
      throw LabelColorsError(path: error.path, cause: .file(error))
    }
    try self.init(contentsOf: path)
  }
}

extension LabelledImages {
  /// Finds the pairs below two directories.
  ///
  /// - Parameters:
  ///   - images: The directory of the images. Links to directories are followed.
  ///   - masks: The directory of the masks.
  ///   - subject: What the files on the side of the images are.
  ///   - imageSuffix: How the names of images end, before the ending; all others are left out.
  ///   - maskSuffix: How the names of masks end, before the ending; all others are left out.
  ///   - readsColors: Whether colours are labels, so that pictures in colours are masks too.
  /// - Throws: ``DatasetError`` where a directory cannot be read, a file has no counterpart, or more than one.
  public init(
    images: URL, masks: URL, subject: Subject = .images, imageSuffix: String? = nil, maskSuffix: String? = nil,
    readsColors: Bool = false
  ) throws(DatasetError) {
    func path(_ url: URL) throws(DatasetError) -> String {
      do throws(FileError) {
        return try String(pathOf: url)
      } catch {
        throw DatasetError(error.path, .file(error))
      }
    }
    try self.init(
      images: path(images), masks: path(masks), subject: subject, imageSuffix: imageSuffix, maskSuffix: maskSuffix,
      readsColors: readsColors)
  }
}
