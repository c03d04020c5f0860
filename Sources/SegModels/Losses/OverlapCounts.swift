import SegEngine

/// Soft counts of a class in a region: sums over pixels of the probability p and the ground truth t, which is 0 or 1.
public struct OverlapCounts: Sendable, Hashable {
  /// Σ p t.
  public var intersection = 0.0
  /// Σ p, or Σ p².
  public var prediction = 0.0
  /// Σ t.
  public var truth = 0.0
}
