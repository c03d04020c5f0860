/// The affine transform from the pixels of an image to the coordinates of a map:
///
///     x = a + b · column + c · row
///     y = d + e · column + f · row
///
/// Columns and rows are continuous: (0, 0) is the top left corner of the first pixel, whose centre is (0.5, 0.5). These are the six
/// numbers of GDAL's geotransform in their order.
public struct PixelTransform: Sendable, Hashable {
  /// x of the top left corner of the first pixel, and its change per column and per row, in units of the map.
  public var a, b, c: Double
  /// y of the top left corner of the first pixel, and its change per column and per row, in units of the map. `f` is negative where the
  /// first row is the northernmost.
  public var d, e, f: Double

  /// Creates a transform from its coefficients.
  public init(a: Double, b: Double, c: Double, d: Double, e: Double, f: Double) {
    self.a = a
    self.b = b
    self.c = c
    self.d = d
    self.e = e
    self.f = f
  }

  /// Returns the map coordinates of a position in the image.
  public func callAsFunction(column: Double, row: Double) -> (x: Double, y: Double) {
    (a + b * column + c * row, d + e * column + f * row)
  }
}
