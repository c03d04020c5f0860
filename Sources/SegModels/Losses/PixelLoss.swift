import SegEngine

/// A loss that is a mean or sum over pixels, where the loss of a pixel depends on that pixel only.
///
/// Elements under ``LossReduction/none`` are the pixel losses, `[batch, height, width]`, 0 for ignored pixels.
public protocol PixelLoss: SegmentationLoss {
  /// The activation that turns logits into probabilities.
  var activation: LossActivation { get }
  /// Pixels of this label are ignored.
  var ignoreLabel: UInt16? { get }
  /// Mean, sum or none.
  var reduction: LossReduction { get }
  /// Class weights whose number must equal the number of classes; `nil` for none.
  var requiredWeights: [Double]? { get }

  /// The contribution of a pixel of a label to the divisor of the mean.
  func divisor(label: Int, channels: Int) -> Double

  /// The loss of a pixel that is not ignored, and its derivatives with respect to the pixel's logits.
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

  /// The sum of the pixel losses times a scale, and its gradient.
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
