import SegEngine

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Tversky loss, (1 − (TP + s) / (TP + α FP + β FN + s))^γ with TP = Σ p t, FP = Σ p (1 − t), FN = Σ (1 − p) t and the
/// smoothing s (Salehi et al. 2017). The exponent gives the focal Tversky loss (Abraham and Khan 2019, who write it
/// 1/γ).
public struct TverskyLoss: OverlapLoss {
  public var options: OverlapOptions
  /// α: the weight of false positives.
  public var alpha: Double
  /// β: the weight of false negatives.
  public var beta: Double
  /// γ: the exponent; 1 gives the plain Tversky loss.
  public var gamma: Double

  /// Creates the loss. α = β = ½ gives Dice, α = β = 1 gives Jaccard.
  ///
  /// - Precondition: Neither α nor β is negative, and γ is positive.
  public init(
    alpha: Double = 0.3, beta: Double = 0.7, gamma: Double = 1, _ options: OverlapOptions = OverlapOptions()
  ) {
    precondition(alpha >= 0 && beta >= 0 && gamma > 0, "α and β must not be negative, and γ must be positive")
    self.options = options
    self.alpha = alpha
    self.beta = beta
    self.gamma = gamma
  }

  public func regionLoss(_ counts: OverlapCounts) -> (value: Double, byIntersection: Double, byPrediction: Double) {
    let falsePositives = counts.prediction - counts.intersection
    let falseNegatives = counts.truth - counts.intersection
    let numerator = counts.intersection + options.smoothing
    let wrong = max(0, alpha * falsePositives + beta * falseNegatives)
    let denominator = numerator + wrong
    guard denominator > 0 else { return (0, 0, 0) }
    let base = wrong / denominator
    // The derivative of 1 − numerator / denominator, with ∂ denominator / ∂ intersection = 1 − α − β and ∂ denominator
    // / ∂ prediction = α.
    let square = denominator * denominator
    let byIntersection = -(denominator - numerator * (1 - alpha - beta)) / square
    let byPrediction = numerator * alpha / square
    if gamma == 1 { return (base, byIntersection, byPrediction) }
    let slope = base == 0 ? 0 : gamma * pow(base, gamma - 1)
    return (pow(base, gamma), slope * byIntersection, slope * byPrediction)
  }
}
