import SegEngine

/// The meaning of the values of a network's output map, derived from the proven properties of the graph.
public enum OutputMeaning: String, Codable, Hashable, Sendable, CaseIterable {
  /// The label of each pixel, in one channel.
  case labels
  /// The probability of the foreground, in one channel; or of each class, where the largest wins.
  case probabilities
  /// Logits: probabilities are the sigmoid of one channel, or the softmax over several.
  case logits
  /// A saliency map: one channel whose minimum and maximum stand for 0 and 1.
  case saliency
  /// Independent classes: each channel is the logit of its own class, or the probability if that is proven. A pixel has
  /// label 0 if no class exceeds the threshold, else 1 + the channel of the largest.
  case multilabel
  /// Independent classes, as ``multilabel``, where the values are taken as probabilities without proof.
  case multilabelProbabilities
}
