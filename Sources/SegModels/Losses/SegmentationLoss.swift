import SegEngine

/// A loss for training segmentation networks: a scalar and its gradient with respect to the logits.
///
/// Logits are float32 `[batch, height, width, classes]`, before softmax or sigmoid. Targets are one label map per
/// image; pixels of the loss's ignore label are ignored. If all pixels are ignored, loss and gradient are 0. Values and
/// gradients are computed in Double from the logits, in an order that does not depend on the number of threads.
public protocol SegmentationLoss: Sendable {
  /// Evaluates the loss of a batch.
  ///
  /// - Parameters:
  ///   - logits: Float32 `[batch, height, width, classes]`.
  ///   - targets: One label map per image, of the logits' height and width.
  ///   - gradient: Whether to compute the gradient.
  ///   - workers: The threads to run on.
  /// - Throws: ``LossError`` if logits, targets and settings do not match, or a logit is not finite.
  func evaluate(
    _ logits: Tensor, _ targets: [LabelMap], gradient: Bool, on workers: WorkerPool
  ) throws(LossError) -> LossValue
}

extension SegmentationLoss {
  /// Evaluates the loss of a batch and its gradient on the shared threads.
  public func callAsFunction(_ logits: Tensor, _ targets: [LabelMap]) throws(LossError) -> LossValue {
    try evaluate(logits, targets, gradient: true, on: .shared)
  }
}
