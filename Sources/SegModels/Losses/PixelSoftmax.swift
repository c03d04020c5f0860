import SegEngine

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The softmax of one pixel's logits. For a probability near 1, the complement 1 − p is computed directly, without
/// cancellation.
struct PixelSoftmax {
  private let largest: Int
  private let maximum: Double
  /// Σ exp(zₖ − max) without the largest term, which is 1.
  private let rest: Double
  private let logarithm: Double

  /// Computes the probabilities of a pixel.
  @inline(__always)
  init(_ logits: Span<Float>, into probabilities: inout MutableSpan<Double>) {
    var largest = 0
    for channel in 1..<logits.count where logits[channel] > logits[largest] { largest = channel }
    let maximum = Double(logits[largest])
    var rest = 0.0
    for channel in 0..<logits.count {
      let share = channel == largest ? 1 : exp(Double(logits[channel]) - maximum)
      probabilities[channel] = share
      if channel != largest { rest += share }
    }
    let scale = 1 / (1 + rest)
    for channel in 0..<logits.count { probabilities[channel] *= scale }
    self.largest = largest
    self.maximum = maximum
    self.rest = rest
    logarithm = log1p(rest)
  }

  /// −log p of a channel, given its logit.
  @inline(__always)
  func negativeLog(_ logit: Float) -> Double { maximum - Double(logit) + logarithm }

  /// 1 − p of a channel, given its probability.
  @inline(__always)
  func complement(_ channel: Int, _ probability: Double) -> Double {
    channel == largest ? rest / (1 + rest) : 1 - probability
  }
}
