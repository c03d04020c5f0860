/// Rows and columns added around a feature map.
public struct Padding2D: Hashable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
  /// Rows above and below, columns at the left and right. A negative number crops.
  public var top, left, bottom, right: Int

  /// Makes padding of four numbers.
  public init(top: Int, left: Int, bottom: Int, right: Int) {
    self.top = top
    self.left = left
    self.bottom = bottom
    self.right = right
  }

  /// `height` rows above and below, `width` columns left and right.
  public init(_ height: Int, _ width: Int) { self.init(top: height, left: width, bottom: height, right: width) }

  /// The same on all four sides.
  public init(integerLiteral value: Int) { self.init(value, value) }

  /// The same on all four sides.
  public init(_ all: Int) { self.init(all, all) }

  public var description: String {
    top == bottom && left == right ? Extent2D(top, left).description : "(\(top),\(left),\(bottom),\(right))"
  }
}
