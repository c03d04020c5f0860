import SegEngine

/// The distance between neighbouring pixels, in any unit of length.
public struct PixelSpacing: Sendable, Hashable {
  /// Between rows.
  public var vertical: Double
  /// Between columns.
  public var horizontal: Double

  /// Creates a spacing.
  ///
  /// - Precondition: Both distances are positive and finite.
  public init(vertical: Double, horizontal: Double) {
    precondition(
      vertical > 0 && horizontal > 0 && vertical.isFinite && horizontal.isFinite,
      "pixel spacings must be positive and finite, not \(vertical), \(horizontal)")
    self.vertical = vertical
    self.horizontal = horizontal
  }

  /// Spacing 1: distances are in pixels.
  public static let unit = PixelSpacing(vertical: 1, horizontal: 1)
}
