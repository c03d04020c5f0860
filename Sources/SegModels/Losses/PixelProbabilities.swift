import SegEngine

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The softmax of one pixel's logits, with all that losses need kept apart from rounding: probabilities near 1 are 1 minus a small
/// number that is known as such.
struct PixelSoftmax {
  private let largest: Int
  private let maximum: Double
  /// Σ exp(zₖ − max) without the largest itself, whose share is 1.
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

  /// −log p of a channel with this logit.
  @inline(__always)
  func negativeLog(_ logit: Float) -> Double { maximum - Double(logit) + logarithm }

  /// 1 − p of a channel with this probability.
  @inline(__always)
  func complement(_ channel: Int, _ probability: Double) -> Double {
    channel == largest ? rest / (1 + rest) : 1 - probability
  }
}

/// The sigmoid of one logit, for both signs without loss.
struct PixelSigmoid {
  /// p and 1 − p.
  let probability, complement: Double
  /// −log p and −log (1 − p).
  let negativeLog, negativeLogOfComplement: Double

  @inline(__always)
  init(_ logit: Float) {
    let z = Double(logit)
    let small = exp(-abs(z))
    let (near, far) = (1 / (1 + small), small / (1 + small))
    let logarithm = log1p(small)
    probability = z >= 0 ? near : far
    complement = z >= 0 ? far : near
    negativeLog = z >= 0 ? logarithm : logarithm - z
    negativeLogOfComplement = z >= 0 ? logarithm + z : logarithm
  }
}

/// Probabilities of a pixel under either activation, and the way back from derivatives with respect to them.
struct PixelProbabilities {
  let activation: LossActivation

  /// Computes the probabilities of a pixel.
  @inline(__always)
  func forward(_ logits: Span<Float>, into probabilities: inout MutableSpan<Double>) {
    switch activation {
    case .softmax: _ = PixelSoftmax(logits, into: &probabilities)
    case .sigmoid:
      for channel in 0..<logits.count { probabilities[channel] = PixelSigmoid(logits[channel]).probability }
    }
  }

  /// Turns the probabilities into derivatives with respect to the logits: p(d − Σ dⱼ pⱼ) for the softmax, p(1 − p)d for sigmoids.
  @inline(__always)
  func backward(
    _ logits: Span<Float>, _ probabilities: inout MutableSpan<Double>,
    _ derivative: (_ channel: Int, _ probability: Double) -> Double
  ) {
    switch activation {
    case .softmax:
      var mean = 0.0
      for channel in 0..<logits.count {
        mean += derivative(channel, probabilities[channel]) * probabilities[channel]
      }
      for channel in 0..<logits.count {
        let probability = probabilities[channel]
        probabilities[channel] = probability * (derivative(channel, probability) - mean)
      }
    case .sigmoid:
      for channel in 0..<logits.count {
        let sigmoid = PixelSigmoid(logits[channel])
        probabilities[channel] =
          sigmoid.probability * sigmoid.complement * derivative(channel, sigmoid.probability)
      }
    }
  }
}

/// Whether a channel is the one of a label: of one channel, where the label is not 0.
@inline(__always)
func isChannel(_ channel: Int, of label: Int, channels: Int) -> Bool { channels == 1 ? label != 0 : channel == label }
