/// A pair of numbers: along the height and along the width of a feature map.
public struct Extent2D: Hashable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
  /// Along the height (rows).
  public var height: Int
  /// Along the width (columns).
  public var width: Int

  /// Makes a pair of extents.
  public init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  /// Makes equal extents along both axes.
  public init(integerLiteral value: Int) { self.init(height: value, width: value) }

  /// Makes equal extents along both axes.
  public init(_ both: Int) { self.init(height: both, width: both) }

  public var description: String { height == width ? "\(height)" : "\(height)×\(width)" }
}
