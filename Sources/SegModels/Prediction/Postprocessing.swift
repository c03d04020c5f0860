import SegEngine

/// How labels are computed from a network's first output.
public enum Postprocessing: Hashable, Sendable {
  /// One logit: label 1 where its sigmoid exceeds the threshold, else 0.
  case threshold(Float)
  /// Logits: the label with the largest logit. Values that sum to 1 at every pixel are treated as probabilities.
  case argmax
  /// The network outputs probabilities: the label with the largest probability.
  case largestProbability
  /// The network outputs labels, of any element type.
  case labels
  /// The network outputs one probability: label 1 where it exceeds the threshold, else 0.
  case probabilityThreshold(Float)
  /// One saliency channel, scaled to 0 … 1 by the minimum and maximum over the network's output: label 1 where it
  /// exceeds the threshold.
  case saliencyThreshold(Float)
  /// One logit whose sigmoid is the saliency of ``saliencyThreshold(_:)``.
  case saliencyLogits(Float)
  /// Independent classes with one probability each: label 0 where no class exceeds the threshold, else 1 + the channel
  /// of the largest.
  case independent(Float)

  /// The threshold, or `nil` if there is none.
  public var threshold: Float? {
    switch self {
    case .threshold(let value), .probabilityThreshold(let value), .saliencyThreshold(let value),
      .saliencyLogits(let value):
      value
    case .argmax, .largestProbability, .labels, .independent: nil
    }
  }

  /// The same postprocessing with another threshold, or `nil` if it has no threshold.
  public func with(threshold: Float) -> Postprocessing? {
    switch self {
    case .threshold: .threshold(threshold)
    case .probabilityThreshold: .probabilityThreshold(threshold)
    case .saliencyThreshold: .saliencyThreshold(threshold)
    case .saliencyLogits: .saliencyLogits(threshold)
    case .independent: .independent(threshold)
    case .argmax, .largestProbability, .labels: nil
    }
  }
}
