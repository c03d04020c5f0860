import SegEngine

/// The probabilities of a pixel under either activation, and the backpropagation of derivatives from probabilities to
/// logits.
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

  /// Replaces the probabilities by the derivatives with respect to the logits, given the derivatives d with respect to
  /// the probabilities: p(d − Σ dⱼ pⱼ) for softmax, p(1 − p)d for sigmoids.
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

/// Whether a channel belongs to the class of a label. With one channel: whether the label is not 0.
@inline(__always)
func isChannel(_ channel: Int, of label: Int, channels: Int) -> Bool { channels == 1 ? label != 0 : channel == label }
