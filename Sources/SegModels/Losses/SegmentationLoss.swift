import SegEngine

/// How far a network's logits are from the truth, as one number to be made small, and which way it falls.
///
/// Logits are float32 `[batch, height, width, classes]`, before softmax or sigmoid; targets are one label map an image, whose pixels of the
/// loss's ignore label count for nothing. A batch without a pixel that counts has the loss 0 and the gradient 0. Values and gradients are
/// computed in Double from the logits themselves, in an order that does not depend on the number of threads.
public protocol SegmentationLoss: Sendable {
  /// Evaluates the loss of a batch.
  ///
  /// - Parameters:
  ///   - logits: `[batch, height, width, classes]`.
  ///   - targets: One map an image, of the logits' height and width.
  ///   - gradient: Whether the gradient is wanted.
  ///   - workers: The threads.
  /// - Throws: ``LossError`` where these do not fit each other, or a logit is not finite.
  func evaluate(
    _ logits: Tensor, _ targets: [LabelMap], gradient: Bool, on workers: WorkerPool
  ) throws(LossError) -> LossValue
}

extension SegmentationLoss {
  /// Evaluates the loss of a batch and its gradient, on the shared threads.
  public func callAsFunction(_ logits: Tensor, _ targets: [LabelMap]) throws(LossError) -> LossValue {
    try evaluate(logits, targets, gradient: true, on: .shared)
  }
}

/// The loss of a batch.
public struct LossValue: Sendable {
  /// The mean or sum; under ``LossReduction/none`` the sum of the elements.
  public var value: Double
  /// Under ``LossReduction/none`` the single losses, float32; which they are each loss says.
  public var elements: Tensor?
  /// The derivative of ``value`` with respect to the logits, float32 `[batch, height, width, classes]`, where asked for.
  public var gradient: Tensor?
}

/// What becomes of the losses of the single pixels, or regions.
public enum LossReduction: String, Sendable, Hashable, CaseIterable {
  /// Their mean; what it divides by each loss says.
  case mean
  /// Their sum.
  case sum
  /// They are given one by one, and the gradient is that of their sum.
  case none
}

/// What makes probabilities of logits.
public enum LossActivation: String, Sendable, Hashable, CaseIterable {
  /// Softmax over the classes: each pixel has one label.
  case softmax
  /// A sigmoid a channel: foreground of one channel, or each class against the rest.
  case sigmoid
}

/// Logits, targets and settings that do not fit each other.
public enum LossError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The logits are no float32 `[batch, height, width, classes]`.
  case notLogits(TensorSpec)
  /// A softmax of one channel is always 1.
  case oneChannel
  /// The number of maps is not that of the batch.
  case countsDiffer(batch: Int, targets: Int)
  /// A map has another size than the logits.
  case sizesDiffer(logits: Extent2D, target: Extent2D)
  /// A label outside the classes, which is not the ignored one.
  case unknownLabel(UInt16, classes: Int)
  /// NaN or infinity among the logits, at an index along each axis.
  case notFinite(Float, index: [Int])
  /// The number of weights is not that of the classes.
  case weightsDiffer(weights: Int, classes: Int)
  /// Distance maps of another shape than the logits.
  case distancesDiffer(logits: Shape, distances: Shape)
  /// The number of networks' outputs is not that of the losses.
  case outputsDiffer(outputs: Int, losses: Int)

  /// One line that says what is wrong.
  public var description: String {
    switch self {
    case .notLogits(let spec): "logits are float32 [batch, height, width, classes], not \(spec)"
    case .oneChannel: "a softmax needs two classes or more; a network of one logit has a binary loss"
    case .countsDiffer(let batch, let targets): "\(batch) images have \(targets) target maps"
    case .sizesDiffer(let logits, let target):
      "the logits have \(logits.height)×\(logits.width) pixels, the target map \(target.height)×\(target.width)"
    case .unknownLabel(let label, let classes):
      "the target map holds label \(label), outside the classes 0 to \(classes - 1)"
    case .notFinite(let value, let index): "logit \(index) is \(value)"
    case .weightsDiffer(let weights, let classes): "\(weights) class weights for \(classes) classes"
    case .distancesDiffer(let logits, let distances): "logits of \(logits) have distance maps of \(distances)"
    case .outputsDiffer(let outputs, let losses): "\(outputs) outputs for \(losses) losses"
    }
  }
}
