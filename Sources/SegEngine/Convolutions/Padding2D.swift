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

  /// Returns dilation · (k − 1) / 2 on each side, which keeps the size of the map for odd kernels at stride 1.
  static func keepingSize(_ kernel: Extent2D, dilation: Extent2D) -> Padding2D {
    Padding2D(
      vertical: dilation.height * (kernel.height - 1) / 2, horizontal: dilation.width * (kernel.width - 1) / 2)
  }

  public var description: String {
    top == bottom && left == right
      ? Extent2D(height: top, width: left).description : "(\(top),\(left),\(bottom),\(right))"
  }
}
