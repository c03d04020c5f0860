import SegEngine

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Online hard example mining: the mean of a pixel loss over its hardest pixels alone (Shrivastava et al. 2016; for segmentation as in
/// BiSeNet).
///
/// Pixels with a loss above −log t are kept, for cross-entropy those that give their class less than the probability t; if they are fewer
/// than the minimum, the hardest pixels up to it, of equal ones those that come first. The base's reduction is not looked at.
public struct HardExampleMining<Base: PixelLoss>: SegmentationLoss {
  /// How many pixels are kept at least.
  public enum Minimum: Sendable, Hashable {
    /// So many.
    case pixels(Int)
    /// This share of the pixels that count, rounded down.
    case share(Double)
  }

  /// The loss of a pixel.
  public var base: Base
  /// t.
  public var probabilityThreshold: Double
  /// How many pixels are kept at least, as far as there are so many.
  public var minimum: Minimum
  /// The mean divides by the number of pixels kept; elements are the pixels' losses, 0 for those that are not kept.
  public var reduction: LossReduction

  /// Makes the loss.
  ///
  /// - Precondition: t lies above 0 and not above 1.
  public init(
    _ base: Base, probabilityThreshold: Double = 0.7, minimum: Minimum = .share(1 / 16),
    reduction: LossReduction = .mean
  ) {
    precondition(probabilityThreshold > 0 && probabilityThreshold <= 1, "a probability: \(probabilityThreshold)")
    self.base = base
    self.probabilityThreshold = probabilityThreshold
    self.minimum = minimum
    self.reduction = reduction
  }

  public func evaluate(
    _ logits: Tensor, _ targets: [LabelMap], gradient: Bool, on workers: WorkerPool
  ) throws(LossError) -> LossValue {
    let batch = try LossBatch(
      logits, targets, ignoreLabel: base.ignoreLabel, activation: base.activation, on: workers)
    try batch.requireWeights(base.requiredWeights)
    let all = base.values(batch, scale: 1, elements: true, gradient: false, workers)
    guard let losses = all.elements?.elements(of: Float.self) else { preconditionFailure("they were asked for") }
    let kept = batch.keeping(hardest(losses, batch))
    let count = kept.labels.count { $0 != LossBatch.ignored }
    return base.values(
      kept, scale: reduction != .mean ? 1 : count > 0 ? 1 / Double(count) : 0, elements: reduction == .none,
      gradient: gradient, workers)
  }

  private func hardest(_ losses: [Float], _ batch: LossBatch) -> [Bool] {
    let threshold = -log(probabilityThreshold)
    let valid = batch.labels.indices.filter { batch.labels[$0] != LossBatch.ignored }
    let wanted: Int =
      switch minimum {
      case .pixels(let count): min(max(0, count), valid.count)
      case .share(let share): min(max(0, Int(share * Double(valid.count))), valid.count)
      }
    var isKept = [Bool](repeating: false, count: losses.count)
    let above = valid.filter { Double(losses[$0]) > threshold }
    if above.count >= wanted {
      for pixel in above { isKept[pixel] = true }
    } else {
      let sorted = valid.sorted { losses[$0] > losses[$1] || losses[$0] == losses[$1] && $0 < $1 }
      for pixel in sorted.prefix(wanted) { isKept[pixel] = true }
    }
    return isKept
  }
}
