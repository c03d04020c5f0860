import SegEngine

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Focal loss of the softmax over the classes: L = −α_y (1 − p_y)^γ log p_y (Lin et al. 2017).
///
/// The mean divides by the number of pixels that count, whatever α.
public struct FocalLoss: PixelLoss {
  /// γ: how strongly pixels that are right already are played down; 0 gives cross-entropy.
  public var gamma: Double
  /// α: a weight a class; `nil` is 1 for each.
  public var alpha: [Double]?
  public var ignoreLabel: UInt16?
  public var reduction: LossReduction

  /// Makes the loss.
  ///
  /// - Precondition: γ and the weights are not negative.
  public init(
    gamma: Double = 2, alpha: [Double]? = nil, ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel,
    reduction: LossReduction = .mean
  ) {
    precondition(gamma >= 0 && alpha?.allSatisfy { $0 >= 0 } ?? true, "γ and α are not negative")
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

/// Focal loss of a sigmoid a channel, of foreground against the rest for one channel, else of each class against the rest:
/// L = −Σₖ αₜ (1 − pₜ)^γ log pₜ with pₜ and αₜ = p and α where the channel is the pixel's, else 1 − p and 1 − α (Lin et al. 2017).
///
/// The mean divides by the number of pixels times channels, as torchvision does. A pixel's element is the sum over its channels.
public struct BinaryFocalLoss: PixelLoss {
  /// γ.
  public var gamma: Double
  /// α, from 0 to 1; `nil` weighs neither.
  public var alpha: Double?
  public var ignoreLabel: UInt16?
  public var reduction: LossReduction

  /// Makes the loss.
  ///
  /// - Precondition: γ is not negative, and α is 0 to 1.
  public init(
    gamma: Double = 2, alpha: Double? = 0.25, ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel,
    reduction: LossReduction = .mean
  ) {
    precondition(gamma >= 0, "γ is not negative")
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

/// (1 − p)^γ · (−log p), and its derivative with respect to log p.
private struct FocalTerm {
  let value, logDerivative: Double

  @inline(__always)
  init(_ probability: Double, complement: Double, negativeLog: Double, gamma: Double) {
    if gamma == 0 {
      value = negativeLog
      logDerivative = -1
      return
    }
    let power = gamma == 2 ? complement * complement : pow(complement, gamma)
    value = power * negativeLog
    // q^(γ − 1) · (−log p) tends to 0 with q, since −log p does as q does.
    let lower = complement == 0 ? 0 : power / complement
    logDerivative = -power - gamma * lower * probability * negativeLog
  }
}
