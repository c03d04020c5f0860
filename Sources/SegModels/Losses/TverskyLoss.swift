import SegEngine

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Tversky loss, (1 − (TP + s) / (TP + α FP + β FN + s))^γ with TP = Σ p t, FP = Σ p (1 − t), FN = Σ (1 − p) t and the smoothing s
/// (Salehi et al. 2017; the exponent is that of the focal Tversky loss, Abraham and Khan 2019, who write it 1/γ).
public struct TverskyLoss: OverlapLoss {
  public var options: OverlapOptions
  /// What false positives weigh.
  public var alpha: Double
  /// What false negatives weigh.
  public var beta: Double
  /// The exponent; 1 for the plain loss.
  public var gamma: Double

  /// Makes the loss; α = β = ½ is Dice, α = β = 1 Jaccard.
  ///
  /// - Precondition: α and β are not negative, and γ is positive.
  public init(
    alpha: Double = 0.3, beta: Double = 0.7, gamma: Double = 1, _ options: OverlapOptions = OverlapOptions()
  ) {
    precondition(alpha >= 0 && beta >= 0 && gamma > 0, "α and β are not negative, γ is positive")
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
    // Of 1 − numerator / denominator, with ∂ denominator / ∂ intersection = 1 − α − β and by the prediction α.
    let square = denominator * denominator
    let byIntersection = -(denominator - numerator * (1 - alpha - beta)) / square
    let byPrediction = numerator * alpha / square
    if gamma == 1 { return (base, byIntersection, byPrediction) }
    let slope = base == 0 ? 0 : gamma * pow(base, gamma - 1)
    return (pow(base, gamma), slope * byIntersection, slope * byPrediction)
  }
}
