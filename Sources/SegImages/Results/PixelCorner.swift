/// A corner of pixels: a point of the grid of lines between them.
public struct PixelCorner: Hashable, Sendable {
  let x, y: Int32

  /// The pixels to the left of the corner: 0 at the left edge of the image, its width at the right edge.
  public var column: Int { Int(x) }
  /// The pixels above the corner: 0 at the upper edge of the image, its height at the lower edge.
  public var row: Int { Int(y) }

  /// Makes a corner.
  public init(column: Int, row: Int) {
    x = Int32(column)
    y = Int32(row)
  }
}
