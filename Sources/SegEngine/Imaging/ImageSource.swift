/// An image that is read region by region, so that it need not be in memory as a whole, such as a scene of a satellite.
///
/// An ``Image`` is a source of its own pixels.
public protocol ImageSource {
  /// Width in pixels.
  var width: Int { get }
  /// Height in pixels.
  var height: Int { get }

  /// Returns the part of the image with the given rows and columns: `rows.count` rows from the top, of `columns.count` pixels each.
  ///
  /// All parts have the same layout, sample type and white. A reader may keep what it decoded for the next calls; it is fastest where
  /// calls proceed along rows of regions, from the top to the bottom.
  ///
  /// - Precondition: Both ranges lie in the image and are not empty.
  /// - Throws: The error of the reader, if the pixels cannot be read.
  func image(rows: Range<Int>, columns: Range<Int>) throws -> Image
}

extension Image: ImageSource {
  /// Returns the part of the image with the given rows and columns, as ``cropped(rows:columns:)`` does.
  ///
  /// - Precondition: Both ranges lie in the image and are not empty.
  public func image(rows: Range<Int>, columns: Range<Int>) -> Image { cropped(rows: rows, columns: columns) }
}
