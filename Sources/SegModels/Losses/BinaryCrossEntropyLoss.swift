import SegEngine

/// Binary cross-entropy of a sigmoid per channel. With one channel: foreground against background. With more: each
/// class against the rest.
///
/// With the target t (1 or 0), smoothed to t(1 − ε) + ε/2, and the weight w⁺ of positives: L = Σₖ vₖ (−w⁺ t log pₖ − (1
/// − t) log (1 − pₖ)). The mean divides by the number of pixels times channels, as PyTorch does. The element of a pixel
/// is the sum over its channels.
public struct BinaryCrossEntropyLoss: PixelLoss {
  /// v: one weight per channel. With one channel: the weights of label 0 and of label 1. `nil` is 1.
  public var classWeights: [Double]?
  /// w⁺: the weight of positive pixels relative to negative ones.
  public var positiveWeight: Double
  /// ε: the label smoothing, 0 to 1.
  public var labelSmoothing: Double
  public var ignoreLabel: UInt16?
  public var reduction: LossReduction

  /// Creates the loss.
  ///
  /// - Precondition: The smoothing is 0 to 1, and no weight is negative.
  public init(
    classWeights: [Double]? = nil, positiveWeight: Double = 1, labelSmoothing: Double = 0,
    ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel, reduction: LossReduction = .mean
  ) {
    precondition((0...1).contains(labelSmoothing), "label smoothing must be 0 to 1, not \(labelSmoothing)")
    precondition(positiveWeight >= 0 && classWeights?.allSatisfy { $0 >= 0 } ?? true, "weights must not be negative")
    self.classWeights = classWeights
    self.positiveWeight = positiveWeight
    self.labelSmoothing = labelSmoothing
    self.ignoreLabel = ignoreLabel
    self.reduction = reduction
  }

  public var activation: LossActivation { .sigmoid }
  public var requiredWeights: [Double]? { classWeights }

  public func divisor(label: Int, channels: Int) -> Double { Double(channels) }

  public func value(_ logits: Span<Float>, label: Int, derivatives: inout MutableSpan<Double>) -> Double {
    let channels = logits.count
    var value = 0.0
    for channel in 0..<channels {
      let sigmoid = PixelSigmoid(logits[channel])
      let isPositive = isChannel(channel, of: label, channels: channels)
      let target = (isPositive ? 1 - labelSmoothing : 0) + labelSmoothing / 2
      let weight = classWeights?[channels == 1 ? label : channel] ?? 1
      let (positive, negative) = (weight * positiveWeight * target, weight * (1 - target))
      value += positive * sigmoid.negativeLog + negative * sigmoid.negativeLogOfComplement
      derivatives[channel] = negative * sigmoid.probability - positive * sigmoid.complement
    }
    return value
  }
}
