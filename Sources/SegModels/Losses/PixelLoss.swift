import SegEngine

/// A loss that is a mean, or sum, of losses of single pixels that know nothing of each other.
///
/// Its elements under ``LossReduction/none`` are the pixels' losses, `[batch, height, width]`, 0 where a pixel is ignored.
public protocol PixelLoss: SegmentationLoss {
  /// What makes probabilities.
  var activation: LossActivation { get }
  /// Pixels of this label count for nothing.
  var ignoreLabel: UInt16? { get }
  /// Mean, sum or none.
  var reduction: LossReduction { get }
  /// Weights by class that must be as many as the classes.
  var requiredWeights: [Double]? { get }

  /// What a pixel of a label adds to the number that the mean divides by.
  func divisor(label: Int, channels: Int) -> Double

  /// The loss of a pixel that counts, and its derivatives with respect to its logits.
  func value(_ logits: Span<Float>, label: Int, derivatives: inout MutableSpan<Double>) -> Double
}

extension PixelLoss {
  public var requiredWeights: [Double]? { nil }

  public func evaluate(
    _ logits: Tensor, _ targets: [LabelMap], gradient: Bool, on workers: WorkerPool
  ) throws(LossError) -> LossValue {
    let batch = try LossBatch(logits, targets, ignoreLabel: ignoreLabel, activation: activation, on: workers)
    try batch.requireWeights(requiredWeights)
    let divisor = reduction == .mean ? totalDivisor(batch) : 1
    return values(
      batch, scale: divisor > 0 ? 1 / divisor : 0, elements: reduction == .none, gradient: gradient, workers)
  }

  private func totalDivisor(_ batch: LossBatch) -> Double {
    batch.labelCounts().enumerated().reduce(0) { total, entry in
      entry.element == 0
        ? total : total + Double(entry.element) * divisor(label: entry.offset, channels: batch.channels)
    }
  }

  /// The scaled sum of the pixels' losses, with the gradient of that.
  func values(
    _ batch: LossBatch, scale: Double, elements: Bool, gradient: Bool, _ workers: WorkerPool
  ) -> LossValue {
    let sums = batch.forEachPixel(terms: 1, elements: elements, gradient: gradient, on: workers) {
      _, label, logits, derivatives, sums in
      let value = value(logits, label: label, derivatives: &derivatives)
      for channel in 0..<logits.count { derivatives[channel] *= scale }
      sums[0] += value * scale
      return value * scale
    }
    return LossValue(value: sums.terms.reduce(0, +), elements: sums.elements, gradient: sums.gradient)
  }
}
