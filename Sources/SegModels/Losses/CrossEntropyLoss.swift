import SegEngine

/// Pixel-wise cross-entropy of the softmax over the classes.
///
/// With label y, weights w and smoothing ε over C classes (Szegedy et al. 2016):
/// L = −(1 − ε) w_y log p_y − ε/C Σₖ wₖ log pₖ. The mean divides by Σ w_y over the pixels, as PyTorch does.
public struct CrossEntropyLoss: PixelLoss {
  /// One weight per class; `nil` is 1 for each. ``ClassFrequencies`` derives weights from a data set.
  public var classWeights: [Double]?
  /// ε: the share of the target that is spread evenly over all classes, 0 to 1.
  public var labelSmoothing: Double
  public var ignoreLabel: UInt16?
  public var reduction: LossReduction

  /// Creates the loss.
  ///
  /// - Precondition: The smoothing is 0 to 1, and no weight is negative.
  public init(
    classWeights: [Double]? = nil, labelSmoothing: Double = 0, ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel,
    reduction: LossReduction = .mean
  ) {
    precondition((0...1).contains(labelSmoothing), "label smoothing must be 0 to 1, not \(labelSmoothing)")
    precondition(classWeights?.allSatisfy { $0 >= 0 } ?? true, "class weights must not be negative")
    self.classWeights = classWeights
    self.labelSmoothing = labelSmoothing
    self.ignoreLabel = ignoreLabel
    self.reduction = reduction
  }

  public var activation: LossActivation { .softmax }
  public var requiredWeights: [Double]? { classWeights }

  public func divisor(label: Int, channels: Int) -> Double { classWeights?[label] ?? 1 }

  public func value(_ logits: Span<Float>, label: Int, derivatives: inout MutableSpan<Double>) -> Double {
    let softmax = PixelSoftmax(logits, into: &derivatives)
    let channels = logits.count
    let weight = (classWeights?[label] ?? 1) * (1 - labelSmoothing)
    let complement = softmax.complement(label, derivatives[label])
    var value = weight * softmax.negativeLog(logits[label])
    guard labelSmoothing > 0 else {
      for channel in 0..<channels { derivatives[channel] *= weight }
      derivatives[label] = -weight * complement
      return value
    }
    let share = labelSmoothing / Double(channels)
    let total = classWeights?.reduce(0, +) ?? Double(channels)
    for channel in 0..<channels {
      let spread = share * (classWeights?[channel] ?? 1)
      value += spread * softmax.negativeLog(logits[channel])
      let own = channel == label ? -complement : derivatives[channel]
      derivatives[channel] = weight * own + share * total * derivatives[channel] - spread
    }
    return value
  }
}
