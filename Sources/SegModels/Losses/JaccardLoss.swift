import SegEngine

/// Soft Jaccard loss, 1 − (Σ p t + s) / (Σ p + Σ t − Σ p t + s), with the smoothing s.
public struct JaccardLoss: OverlapLoss {
  public var options: OverlapOptions
  /// Whether the denominator contains Σ p² instead of Σ p.
  public var squaresPrediction: Bool

  /// Creates the loss.
  public init(_ options: OverlapOptions = OverlapOptions(), squaresPrediction: Bool = false) {
    self.options = options
    self.squaresPrediction = squaresPrediction
  }

  public func regionLoss(_ counts: OverlapCounts) -> (value: Double, byIntersection: Double, byPrediction: Double) {
    let denominator = counts.prediction + counts.truth - counts.intersection + options.smoothing
    guard denominator > 0 else { return (0, 0, 0) }
    let numerator = counts.intersection + options.smoothing
    let square = denominator * denominator
    return (
      (denominator - numerator) / denominator, -(denominator + numerator) / square, numerator / square
    )
  }
}
