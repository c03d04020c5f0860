import SegEngine

/// The largest distance at which boundary pixels match.
public enum BoundaryTolerance: Sendable, Hashable {
  /// A number of pixels.
  case pixels(Double)
  /// A share of the image's diagonal, √(height² + width²) pixels. Csurka et al. use 0.0075.
  case diagonalShare(Double)

  /// The tolerance in pixels for an image of this size.
  public func pixels(height: Int, width: Int) -> Double {
    switch self {
    case .pixels(let distance): distance
    case .diagonalShare(let share): share * Double(height * height + width * width).squareRoot()
    }
  }
}
