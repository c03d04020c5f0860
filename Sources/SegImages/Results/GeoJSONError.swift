import SegEngine
import SegFiles

/// Polygons that could not be written as GeoJSON.
public enum GeoJSONError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file could not be written.
  case file(FileError)
  /// A transform that gives no coordinates, or maps the image to a line: a number of it is not finite, or its
  /// determinant is 0.
  case transform(PixelTransform)

  /// The error in one line.
  public var description: String {
    switch self {
    case .file(let error): error.description
    case .transform(let transform):
      "the transform from pixels to map coordinates is not finite or has no inverse: "
        + "x = \(transform.originX) + \(transform.xPerColumn) column + \(transform.xPerRow) row, "
        + "y = \(transform.originY) + \(transform.yPerColumn) column + \(transform.yPerRow) row"
    }
  }
}
