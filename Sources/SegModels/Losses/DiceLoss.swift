import SegEngine

/// Soft Dice loss, 1 − (2 Σ p t + s) / (Σ p + Σ t + s), with the smoothing s. Milletari et al. 2016 use Σ p² in the
/// denominator.
public struct DiceLoss: OverlapLoss {
  public var options: OverlapOptions
  /// Whether the denominator contains Σ p² instead of Σ p.
  public var squaresPrediction: Bool

  /// Creates the loss.
  public init(_ options: OverlapOptions = OverlapOptions(), squaresPrediction: Bool = false) {
    self.options = options
    self.squaresPrediction = squaresPrediction
  }

  public func regionLoss(_ counts: OverlapCounts) -> (value: Double, byIntersection: Double, byPrediction: Double) {
    let denominator = counts.prediction + counts.truth + options.smoothing
    // Neither a prediction nor truth: the loss and its derivatives are 0.
    guard denominator > 0 else { return (0, 0, 0) }
    let numerator = 2 * counts.intersection + options.smoothing
    return (
      (denominator - numerator) / denominator, -2 / denominator, numerator / (denominator * denominator)
    )
  }
}
