import SegEngine

/// The weighted sum of the losses of a network's outputs: the main output and auxiliary heads. The weight of an
/// auxiliary head is 0.4 in Zhao et al. 2017 and 0.5 in torchvision's FCN and DeepLabV3; U-Net++'s deep supervision
/// weighs all outputs alike.
///
/// All outputs are logits of the targets' size. Resize an output of lower resolution to that size first, as training
/// does.
public struct AuxiliaryLoss: Sendable {
  /// The loss and the weight of each output, the main output first.
  public var terms: [CombinedLoss.Term]
  /// The current time, in the unit of the schedules of the weights, for instance epochs.
  public var time: Double

  /// Creates the sum from one term for each output.
  public init(_ terms: [CombinedLoss.Term], time: Double = 0) {
    self.terms = terms
    self.time = time
  }

  /// Creates the sum with one loss for all outputs: weight 1 for the main output, the given weights for the others.
  public init(_ loss: any SegmentationLoss, auxiliaryWeights: [Double]) {
    self.init(
      [CombinedLoss.Term(loss)] + auxiliaryWeights.map { CombinedLoss.Term(loss, weight: .constant($0)) })
  }

  /// The value of the sum for a batch.
  public struct Value: Sendable {
    /// The weighted sum.
    public var value: Double
    /// The loss of each output, without its weight.
    public var values: [Double]
    /// The gradient of the weighted sum with respect to each output, if it was requested.
    public var gradients: [Tensor]
  }

  /// Evaluates the loss of a batch.
  ///
  /// - Parameters:
  ///   - outputs: The logits of each output, float32 `[batch, height, width, classes]`.
  ///   - targets: One label map per image.
  ///   - gradient: Whether to compute the gradients.
  ///   - workers: The threads to run on.
  /// - Throws: ``LossError``.
  public func evaluate(
    _ outputs: [Tensor], _ targets: [LabelMap], gradient: Bool = true, on workers: WorkerPool = .shared
  ) throws(LossError) -> Value {
    guard outputs.count == terms.count else { throw .outputsDiffer(outputs: outputs.count, losses: terms.count) }
    var result = Value(value: 0, values: [], gradients: [])
    for (output, term) in zip(outputs, terms) {
      let own = try term.loss.evaluate(output, targets, gradient: gradient, on: workers)
      let weight = term.weight.weight(at: time)
      result.values.append(own.value)
      result.value += weight * own.value
      if let gradient = own.gradient {
        var weighted = Tensor(zeros: gradient.shape)
        weighted.add(gradient, times: weight)
        result.gradients.append(weighted)
      }
    }
    return result
  }
}
