import SegEngine

/// The result of a loss for a batch.
public struct LossValue: Sendable {
  /// The mean or sum; under ``LossReduction/none`` the sum of the elements.
  public var value: Double
  /// The losses before reduction, float32, under ``LossReduction/none``. Their shape is documented for each loss.
  public var elements: Tensor?
  /// The gradient of ``value`` with respect to the logits, float32 `[batch, height, width, classes]`, if it was
  /// requested.
  public var gradient: Tensor?
}
