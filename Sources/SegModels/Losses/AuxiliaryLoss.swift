import SegEngine

/// The losses of a network with several outputs: that of the main one, and of auxiliary heads with weights (Zhao et al. 2017 take 0.4,
/// torchvision's FCN and DeepLabV3 0.5; U-Net++'s deep supervision weighs all alike).
///
/// All outputs are logits of the targets' size: an output of a lower resolution is brought there first, as training does it.
public struct AuxiliaryLoss: Sendable {
  /// The loss of each output with its weight, the main one first.
  public var terms: [CombinedLoss.Term]
  /// Now, in the unit of the weights' schedules.
  public var time: Double

  /// Makes the sum from the loss of each output.
  public init(_ terms: [CombinedLoss.Term], time: Double = 0) {
    self.terms = terms
    self.time = time
  }

  /// One loss for all outputs: the main one with weight 1, each of the others with the weight given.
  public init(_ loss: any SegmentationLoss, auxiliaryWeights: [Double]) {
    self.init(
      [CombinedLoss.Term(loss)] + auxiliaryWeights.map { CombinedLoss.Term(loss, weight: .constant($0)) })
  }

  /// The loss of a batch of several outputs.
  public struct Value: Sendable {
    /// The weighted sum.
    public var value: Double
    /// The loss of each output, without its weight.
    public var values: [Double]
    /// The derivative of the weighted sum with respect to each output, where asked for.
    public var gradients: [Tensor]
  }

  /// Evaluates the loss of a batch.
  ///
  /// - Parameters:
  ///   - outputs: The logits of each output, `[batch, height, width, classes]`.
  ///   - targets: One map an image.
  ///   - gradient: Whether gradients are wanted.
  ///   - workers: The threads.
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
