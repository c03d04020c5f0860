import SegEngine

/// How the losses of pixels or regions are reduced to a scalar.
public enum LossReduction: String, Sendable, Hashable, CaseIterable {
  /// The mean. The divisor is documented for each loss.
  case mean
  /// The sum.
  case sum
  /// No reduction: the elements are returned, and the gradient is that of their sum.
  case none
}
