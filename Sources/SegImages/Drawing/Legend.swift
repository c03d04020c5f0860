import SegEngine

/// The options of a legend: the colour, the name and the share of the pixels of each class that occurs.
public struct Legend: Sendable, Hashable {
  /// The side of the image on which the legend is drawn.
  public enum Placement: Sendable, Hashable, CaseIterable {
    /// Below or beside the image, wherever the sum of width and height grows less.
    case automatic
    case below
    /// To the right of the image.
    case beside
  }

  /// The side of the image on which the legend is drawn.
  public var placement: Placement
  /// The side of the square that a pixel of the font becomes, in pixels; `nil` chooses it by the size of the image, so
  /// that text is readable if the image is viewed at a width or height of about 1000 pixels. Text is 16 times as high.
  public var scale: Int?

  /// Creates options.
  ///
  /// - Precondition: `scale` is 1 to 64, if it is given.
  public init(placement: Placement = .automatic, scale: Int? = nil) {
    precondition((1...64).contains(scale ?? 1), "the scale of a legend must be 1 to 64, not \(scale ?? 1)")
    self.placement = placement
    self.scale = scale
  }
}
