import SegEngine

/// A training whose numbers are not finite any more.
public struct TrainingFailure: Error, Sendable, CustomStringConvertible {
  /// The step, counted from 1.
  public let step: Int
  /// The first weight, in the order of the network, that is not finite; `nil` if all are, so that the step itself exceeded the range.
  public let weight: String?
  /// The error of the step, which names its node.
  public let error: GraphError?

  init(step: Int, _ state: TrainingState, _ error: GraphError?) {
    self.step = step
    self.error = error
    weight = state.firstWeight { tensor in !tensor.elements(of: Float.self).allSatisfy(\.isFinite) }
  }

  public var description: String {
    "step \(step): "
      + (weight.map { "the weights \($0) are not finite" } ?? error.map { "\($0)" } ?? "the loss is not finite")
      + "; a smaller learning rate or a limit of the gradients may help"
  }
}
