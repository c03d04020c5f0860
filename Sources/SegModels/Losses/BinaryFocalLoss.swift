import SegEngine

/// Focal loss of a sigmoid per channel. With one channel: foreground against background. With more: each class against
/// the rest. L = −Σₖ αₜ (1 − pₜ)^γ log pₜ, where pₜ and αₜ are p and α for the channel of the pixel's label, else 1 − p
/// and 1 − α (Lin et al. 2017).
///
/// The mean divides by the number of pixels times channels, as torchvision does. The element of a pixel is the sum over
/// its channels.
public struct BinaryFocalLoss: PixelLoss {
  /// γ: the focusing exponent.
  public var gamma: Double
  /// α: the weight of positives, 0 to 1; negatives have 1 − α. `nil` is 1 for both.
  public var alpha: Double?
  public var ignoreLabel: UInt16?
  public var reduction: LossReduction

  /// Creates the loss.
  ///
  /// - Precondition: γ is not negative, and α is 0 to 1.
  public init(
    gamma: Double = 2, alpha: Double? = 0.25, ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel,
    reduction: LossReduction = .mean
  ) {
    precondition(gamma >= 0, "γ must not be negative")
    precondition(alpha.map { (0...1).contains($0) } ?? true, "α is 0 to 1")
    self.gamma = gamma
    self.alpha = alpha
    self.ignoreLabel = ignoreLabel
    self.reduction = reduction
  }

  public var activation: LossActivation { .sigmoid }

  public func divisor(label: Int, channels: Int) -> Double { Double(channels) }

  public func value(_ logits: Span<Float>, label: Int, derivatives: inout MutableSpan<Double>) -> Double {
    var value = 0.0
    for channel in 0..<logits.count {
      let sigmoid = PixelSigmoid(logits[channel])
      let isPositive = isChannel(channel, of: label, channels: logits.count)
      let (p, q) =
        isPositive ? (sigmoid.probability, sigmoid.complement) : (sigmoid.complement, sigmoid.probability)
      let negativeLog = isPositive ? sigmoid.negativeLog : sigmoid.negativeLogOfComplement
      let weight = alpha.map { isPositive ? $0 : 1 - $0 } ?? 1
      let focus = FocalTerm(p, complement: q, negativeLog: negativeLog, gamma: gamma)
      value += weight * focus.value
      // ∂ log pₜ / ∂z = ±(1 − pₜ).
      derivatives[channel] = (isPositive ? weight : -weight) * focus.logDerivative * q
    }
    return value
  }
}
