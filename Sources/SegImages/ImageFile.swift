import SegEngine
import SegFiles
import Synchronization

/// An image file that is read region by region, so that memory does not grow with the file.
///
/// That holds for TIFF files, BigTIFF too, whose strips or tiles are decoded when a region needs them. Of other files the whole image is
/// decoded at once. Regions have the samples that `Image.init(contentsOf:limits:)` gives, in the orientation that the file states.
///
///     let scene = try ImageFile(contentsOf: "scene.tif")
///     let corner = try scene.image(rows: 0..<512, columns: 0..<512)
///
/// A file that is compressed as a single strip needs the memory of the whole image. One that is not compressed does not.
///
/// The file may be read from several threads; one region is decoded at a time.
public final class ImageFile: ImageSource, Sendable {
  /// The path that the caller gave.
  public let path: String
  /// Width in pixels.
  public let width: Int
  /// Height in pixels.
  public let height: Int
  /// The georeference of a GeoTIFF file; `nil` for other files.
  public let georeference: Georeference?
  /// Warnings about the file. Those about samples, such as missing data, are only found in files that are decoded as a whole.
  public let warnings: [ImageWarning]
  /// Whether the whole image is in memory, as the format has no regions.
  public var isWhole: Bool { whole != nil }

  private let whole: Image?
  private let regions: Mutex<Regions?>

  private struct Regions {
    let decoder: TIFFDecoder
    let white: Float?
  }

  /// Opens an image file. The format is recognised by the contents, not by the name.
  ///
  /// If a TIFF file states its largest sample, and that is plausible as white, all samples are decoded once to compare them with it.
  ///
  /// - Parameters:
  ///   - path: A file, or a pipe that is read to its end.
  ///   - page: The page of a TIFF file, counted from 1. Reduced copies and masks of pages are not counted.
  ///   - limits: The largest region, strip or tile of a TIFF file. Images of other formats that are larger, and pipes with more bytes, are
  ///     refused.
  ///   - cacheByteCount: The most bytes of decoded strips or tiles that are kept for further regions, by default 128 MiB. Of a file in
  ///     strips those of the last region are kept in any case, so that a row of regions decodes each strip once.
  /// - Throws: ``ImageError``, as `Image.reading(contentsOf:page:limits:)` does. Damaged strips and tiles are only found by
  ///   ``image(rows:columns:)``.
  public init(
    contentsOf path: String, page: Int = 1, limits: ImageLimits = .default, cacheByteCount: Int = 1 << 27
  ) throws(ImageError) {
    let input: TIFFInput
    do {
      let file = try OpenFile(path)
      let prefix = file.isRegular ? try file.prefix(4) : []
      input =
        PixelFormat.isTIFF(prefix)
        ? .file(file) : .bytes(try FileBytes(reading: file, limit: limits.maximumFileBytes))
    } catch {
      throw ImageError(error)
    }
    self.path = path
    if case .bytes(let bytes) = input {
      let format = try PixelFormat(of: bytes, named: path)
      guard format == .tiff else {
        let (image, warnings) = try Image.reading(bytes, format, named: path, page: page, limits: limits)
        (width, height, whole) = (image.width, image.height, image)
        self.warnings = warnings
        georeference = nil
        regions = Mutex(nil)
        return
      }
    }
    guard page >= 1 else { throw ImageError(path, .noPage(page, of: 1)) }
    var warnings: [ImageWarning.Kind] = []
    let decoder = try TIFFDecoder(
      input, named: path, page: page, limits: limits, cacheByteCount: max(1, cacheByteCount), &warnings)
    (width, height) = decoder.pictureSize
    whole = nil
    try decoder.checkPalette(&warnings)
    georeference = decoder.georeference(&warnings)
    let white = try decoder.statedWhite(&warnings)
    self.warnings = warnings.map { ImageWarning(path, $0) }
    regions = Mutex(Regions(decoder: decoder, white: white))
  }

  /// Decodes the part of the image with the given rows and columns.
  ///
  /// - Precondition: Both ranges lie in the image and are not empty.
  /// - Throws: ``ImageError`` if the file is damaged, incomplete or cannot be read, or if the region exceeds the limit of pixels.
  public func image(rows: Range<Int>, columns: Range<Int>) throws(ImageError) -> Image {
    precondition(
      !rows.isEmpty && !columns.isEmpty && rows.lowerBound >= 0 && rows.upperBound <= height && columns.lowerBound >= 0
        && columns.upperBound <= width, "rows \(rows) and columns \(columns) must lie in \(height)×\(width) pixels")
    if let whole { return whole.cropped(rows: rows, columns: columns) }
    let image = try regions.withLock { (regions) throws(ImageError) in
      guard let regions else { preconditionFailure("a file without regions is decoded as a whole") }
      return try regions.decoder.decodeColors(
        in: PixelRegion(rows: rows, columns: columns), white: regions.white)
    }
    var ignored: [ImageWarning.Kind] = []
    return image.withFiniteSamples(&ignored)
  }
}
