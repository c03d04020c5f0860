import SegEngine

/// Logits, targets and settings that do not match.
public enum LossError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The logits are not float32 `[batch, height, width, classes]`.
  case notLogits(TensorSpec)
  /// A softmax loss got logits of one channel. The softmax of one channel is always 1.
  case oneChannel
  /// The number of label maps differs from the batch size.
  case countsDiffer(batch: Int, targets: Int)
  /// The size of a label map differs from the size of the logits.
  case sizesDiffer(logits: Extent2D, target: Extent2D)
  /// A label that is neither a class nor the ignore label.
  case unknownLabel(UInt16, classes: Int)
  /// A logit that is NaN or infinite, with its index along each axis.
  case notFinite(Float, index: [Int])
  /// The number of class weights differs from the number of classes.
  case weightsDiffer(weights: Int, classes: Int)
  /// The shape of the distance maps differs from the shape of the logits.
  case distancesDiffer(logits: Shape, distances: Shape)
  /// The number of network outputs differs from the number of losses.
  case outputsDiffer(outputs: Int, losses: Int)

  /// The error in one line.
  public var description: String {
    switch self {
    case .notLogits(let spec): "logits must be float32 [batch, height, width, classes], not \(spec)"
    case .oneChannel: "a softmax loss needs two classes or more; use a binary loss for one channel"
    case .countsDiffer(let batch, let targets): "\(batch) images, but \(targets) target maps"
    case .sizesDiffer(let logits, let target):
      "the logits have \(logits.height)×\(logits.width) pixels, the target map \(target.height)×\(target.width)"
    case .unknownLabel(let label, let classes):
      "the target map holds label \(label), outside the classes 0 to \(classes - 1)"
    case .notFinite(let value, let index): "logit \(index) is \(value)"
    case .weightsDiffer(let weights, let classes): "\(weights) class weights for \(classes) classes"
    case .distancesDiffer(let logits, let distances):
      "logits of shape \(logits), but distance maps of shape \(distances)"
    case .outputsDiffer(let outputs, let losses): "\(outputs) outputs for \(losses) losses"
    }
  }
}
