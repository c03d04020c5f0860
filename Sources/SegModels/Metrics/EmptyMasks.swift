import SegEngine

/// The surface distance if exactly one of the masks is empty. If both are empty, the image is not counted.
public enum EmptyMasks: Sendable, Hashable, CaseIterable {
  /// An error is thrown: ``MetricError/emptyMask(isTruth:)``.
  case refused
  /// Infinity; the mean over images is then infinite. The default.
  case infinite
  /// The image's diagonal in the unit of the spacing, an upper bound of all distances.
  case imageDiagonal
}
