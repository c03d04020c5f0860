import SegEngine

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Online hard example mining: the mean of a pixel loss over the hardest pixels only (Shrivastava et al. 2016; for
/// segmentation as in BiSeNet).
///
/// A pixel is kept if its loss exceeds −log t; for cross-entropy this means that the probability of its label is below
/// t. If fewer pixels than the minimum are kept, the hardest pixels up to the minimum are added; among equal losses the
/// first pixels win. The base loss's own reduction is not used.
public struct HardExampleMining<Base: PixelLoss>: SegmentationLoss {
  /// The minimum number of pixels to keep.
  public enum Minimum: Sendable, Hashable {
    /// A fixed number of pixels.
    case pixels(Int)
    /// A share of the pixels that are not ignored, rounded down.
    case share(Double)
  }

  /// The pixel loss.
  public var base: Base
  /// t: the probability threshold, above 0 and at most 1.
  public var probabilityThreshold: Double
  /// The minimum number of pixels to keep, limited to the number of pixels that are not ignored.
  public var minimum: Minimum
  /// The mean divides by the number of kept pixels. Elements are the pixel losses, 0 for pixels that are not kept.
  public var reduction: LossReduction

  /// Creates the loss.
  ///
  /// - Precondition: t is above 0 and at most 1.
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
    guard let losses = all.elements?.elements(of: Float.self) else { preconditionFailure("elements were requested") }
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
