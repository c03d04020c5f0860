import SegEngine

/// The activation that turns logits into probabilities.
public enum LossActivation: String, Sendable, Hashable, CaseIterable {
  /// Softmax over the classes: each pixel has one label.
  case softmax
  /// A sigmoid per channel: foreground against background for one channel, else each class against the rest.
  case sigmoid
}
