import SegEngine
import SegModels

/// A step of training as one compiled graph: the network on a batch, the loss, the gradients, and the updates of weights, optimiser and
/// running statistics.
///
/// ```swift
/// let step = try network.graph(size: 256).training(loss: CrossEntropyLoss(), optimizer: .adamW(), batch: 4)
/// var state = TrainingState(initializing: step, seed: 1)
/// let loss = try step.run(images, targets, &state, rate: 1e-3)
/// ```
public final class TrainingStep: Sendable {
  /// The network's graph.
  public let network: Graph
  /// The compiled step. Inputs: the image, `targets`, `rate`, and with loss schedules `time`. Outputs: `loss`, and with clipping `norm`.
  public let model: CompiledModel
  /// The shape of the images of a batch, `[batch, height, width, channels]`.
  public let imageShape: Shape
  /// The shape of the targets of a batch, `[batch, height, width]`.
  public let targetShape: Shape

  init(network: Graph, model: CompiledModel, imageShape: Shape, targetShape: Shape) {
    self.network = network
    self.model = model
    self.imageShape = imageShape
    self.targetShape = targetShape
  }

  /// The result of a step.
  public struct Result: Sendable {
    /// The loss of the batch, before the update.
    public let loss: Double
    /// The norm of all gradients before clipping; `nil` without clipping.
    public let gradientNorm: Double?
  }

  /// Makes a step of training.
  ///
  /// - Parameters:
  ///   - images: Float32 `[batch, height, width, channels]`, as the step was made for.
  ///   - targets: Labels, uint16 `[batch, height, width]`.
  ///   - state: The weights and all else that the step updates.
  ///   - rate: The learning rate.
  ///   - time: The time of loss schedules, in their unit, such as epochs.
  /// - Throws: ``GraphError`` for tensors of other shapes or types, targets that the loss does not take, and logits that are not finite. The
  ///   state is then invalid, except where shapes or types were wrong.
  @discardableResult
  public func run(
    _ images: Tensor, _ targets: Tensor, _ state: inout TrainingState, rate: Double, time: Double = 0
  ) throws(GraphError) -> Result {
    try state.run(self, images, targets, rate: Float(rate), time: Float(time))
  }

  /// Makes a step of training with targets as label maps.
  ///
  /// - Throws: The errors of ``run(_:_:_:rate:time:)``.
  /// - Precondition: there is a map for each image, all of one size.
  @discardableResult
  public func run(
    _ images: Tensor, _ targets: [LabelMap], _ state: inout TrainingState, rate: Double, time: Double = 0
  ) throws(GraphError) -> Result {
    try run(images, Tensor(labels: targets), &state, rate: rate, time: time)
  }
}

extension Tensor {
  /// Makes targets, uint16 `[batch, height, width]`, from label maps.
  ///
  /// - Precondition: there is a map, and all are of one size.
  public init(labels maps: [LabelMap]) {
    guard let first = maps.first else { preconditionFailure("there are no label maps") }
    precondition(
      maps.allSatisfy { $0.width == first.width && $0.height == first.height }, "label maps are of one size")
    self.init([maps.count, first.height, first.width], maps.lazy.map(\.labels).joined())
  }
}
