import SegEngine

/// What makes labels out of a network's first output.
public enum Postprocessing: Hashable, Sendable {
  /// Label 1 where the sigmoid of the one logit is above the threshold, else 0.
  case threshold(Float)
  /// The label with the largest logit; what adds up to 1 at every pixel is taken for probabilities.
  case argmax
  /// The label with the largest probability, which the network gives itself.
  case largestProbability
  /// The label that the network gives itself, of any element type.
  case labels
  /// Label 1 where the one probability, which the network gives itself, is above the threshold, else 0.
  case probabilityThreshold(Float)
  /// Label 1 where the one value, brought to 0 … 1 by its least and largest over the network's output, is above the threshold.
  case saliencyThreshold(Float)
  /// Of classes that do not exclude each other, each with a probability of its own: label 0 where none is above the threshold, else 1 + the
  /// channel of the largest.
  case independent(Float)

  /// What pixels are compared with, for those that compare.
  public var threshold: Float? {
    switch self {
    case .threshold(let value), .probabilityThreshold(let value), .saliencyThreshold(let value): value
    case .argmax, .largestProbability, .labels, .independent: nil
    }
  }

  /// The same with another threshold; `nil` where there is none.
  public func with(threshold: Float) -> Postprocessing? {
    switch self {
    case .threshold: .threshold(threshold)
    case .probabilityThreshold: .probabilityThreshold(threshold)
    case .saliencyThreshold: .saliencyThreshold(threshold)
    case .independent: .independent(threshold)
    case .argmax, .largestProbability, .labels: nil
    }
  }
}
