/// Rows and columns added around a feature map.
public struct Padding2D: Hashable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
  /// Rows above and below, columns at the left and right. A negative number crops.
  public var top, left, bottom, right: Int

  /// Makes a padding from four numbers.
  public init(top: Int, left: Int, bottom: Int, right: Int) {
    self.top = top
    self.left = left
    self.bottom = bottom
    self.right = right
  }

  /// Makes a padding of `vertical` rows above and below, and `horizontal` columns left and right.
  public init(vertical: Int, horizontal: Int) {
    self.init(top: vertical, left: horizontal, bottom: vertical, right: horizontal)
  }

  /// Makes equal padding on all four sides.
  public init(integerLiteral value: Int) { self.init(vertical: value, horizontal: value) }

  /// Makes equal padding on all four sides.
  public init(_ all: Int) { self.init(vertical: all, horizontal: all) }

  public var description: String {
    top == bottom && left == right
      ? Extent2D(height: top, width: left).description : "(\(top),\(left),\(bottom),\(right))"
  }
}
