/// An affine transform from positions in an image to map coordinates.
///
/// x = originX + xPerColumn · column + xPerRow · row,
/// y = originY + yPerColumn · column + yPerRow · row.
///
/// Column and row count pixels from the image's upper left corner, which is (0, 0): column to the right, row down. The
/// centre of the first pixel is at (0.5, 0.5). The six numbers are in the order of GDAL's geotransform.
public struct PixelTransform: Hashable, Sendable {
  /// x of the image's upper left corner, in map units.
  public var originX: Double
  /// Change of x from one column to the next, in map units.
  public var xPerColumn: Double
  /// Change of x from one row to the next, in map units. 0 if the image is not rotated.
  public var xPerRow: Double
  /// y of the image's upper left corner, in map units.
  public var originY: Double
  /// Change of y from one column to the next, in map units. 0 if the image is not rotated.
  public var yPerColumn: Double
  /// Change of y from one row to the next, in map units. Negative where y points up, as it does on most maps.
  public var yPerRow: Double

  /// Makes a transform from its six numbers.
  public init(
    originX: Double, xPerColumn: Double, xPerRow: Double, originY: Double, yPerColumn: Double, yPerRow: Double
  ) {
    self.originX = originX
    self.xPerColumn = xPerColumn
    self.xPerRow = xPerRow
    self.originY = originY
    self.yPerColumn = yPerColumn
    self.yPerRow = yPerRow
  }

  /// The transform that keeps positions: x is the column, y the row (down).
  public static let identity = PixelTransform(
    originX: 0, xPerColumn: 1, xPerRow: 0, originY: 0, yPerColumn: 0, yPerRow: 1)

  /// Returns the map coordinates of a position in pixels.
  public func point(column: Double, row: Double) -> (x: Double, y: Double) {
    (originX + xPerColumn * column + xPerRow * row, originY + yPerColumn * column + yPerRow * row)
  }

  /// The determinant of the linear part. It is negative if the transform mirrors the image, as one from rows (down) to
  /// northings (up) does, and 0 if it has no inverse.
  public var determinant: Double { xPerColumn * yPerRow - xPerRow * yPerColumn }

  /// The area of a pixel, in square map units.
  public var pixelArea: Double { abs(determinant) }
}
