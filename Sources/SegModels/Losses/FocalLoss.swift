import SegEngine

/// Focal loss of the softmax over the classes: L = −α_y (1 − p_y)^γ log p_y (Lin et al. 2017).
///
/// The mean divides by the number of pixels that are not ignored, regardless of α.
public struct FocalLoss: PixelLoss {
  /// γ: the focusing exponent. Larger values reduce the loss of well-classified pixels; 0 gives cross-entropy.
  public var gamma: Double
  /// α: one weight per class; `nil` is 1 for each.
  public var alpha: [Double]?
  public var ignoreLabel: UInt16?
  public var reduction: LossReduction

  /// Creates the loss.
  ///
  /// - Precondition: Neither γ nor a weight is negative.
  public init(
    gamma: Double = 2, alpha: [Double]? = nil, ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel,
    reduction: LossReduction = .mean
  ) {
    precondition(gamma >= 0 && alpha?.allSatisfy { $0 >= 0 } ?? true, "γ and α must not be negative")
    self.gamma = gamma
    self.alpha = alpha
    self.ignoreLabel = ignoreLabel
    self.reduction = reduction
  }

  public var activation: LossActivation { .softmax }
  public var requiredWeights: [Double]? { alpha }

  public func divisor(label: Int, channels: Int) -> Double { 1 }

  public func value(_ logits: Span<Float>, label: Int, derivatives: inout MutableSpan<Double>) -> Double {
    let softmax = PixelSoftmax(logits, into: &derivatives)
    let probability = derivatives[label]
    let complement = softmax.complement(label, probability)
    let focus = FocalTerm(
      probability, complement: complement, negativeLog: softmax.negativeLog(logits[label]), gamma: gamma)
    let weight = alpha?[label] ?? 1
    // ∂ log p_y / ∂zₖ = [k = y] − pₖ.
    for channel in 0..<logits.count { derivatives[channel] *= -weight * focus.logDerivative }
    derivatives[label] = weight * focus.logDerivative * complement
    return weight * focus.value
  }
}
