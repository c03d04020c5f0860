import SegEngine

/// A weighted sum of losses, with weights that may change during training.
///
/// Each loss applies its own reduction. The elements of the single losses are not returned.
public struct CombinedLoss: SegmentationLoss {
  /// A loss with its weight.
  public struct Term: Sendable {
    /// The loss.
    public var loss: any SegmentationLoss
    /// Its weight as a function of time.
    public var weight: LossSchedule

    /// Creates a term.
    public init(_ loss: any SegmentationLoss, weight: LossSchedule = .constant(1)) {
      self.loss = loss
      self.weight = weight
    }
  }

  /// The losses and their weights.
  public var terms: [Term]
  /// The current time, in the unit of the schedules.
  public var time: Double

  /// Creates the sum.
  public init(_ terms: [Term], time: Double = 0) {
    self.terms = terms
    self.time = time
  }

  /// (1 − α) · region + α · boundary, with α rising linearly from `from` to `to` over a number of epochs. This is the
  /// rebalancing of Kervadec et al. 2019, who start at 0.01 and add 0.01 per epoch.
  public static func rebalanced(
    region: any SegmentationLoss, boundary: BoundaryLoss = BoundaryLoss(), from: Double = 0.01, to: Double = 0.99,
    over epochs: Double = 98
  ) -> CombinedLoss {
    CombinedLoss([
      Term(region, weight: .linear(from: 1 - from, to: 1 - to, over: epochs)),
      Term(boundary, weight: .linear(from: from, to: to, over: epochs)),
    ])
  }

  /// region + α · boundary, with a schedule for α.
  public static func added(
    region: any SegmentationLoss, boundary: BoundaryLoss = BoundaryLoss(), weight: LossSchedule
  ) -> CombinedLoss {
    CombinedLoss([Term(region), Term(boundary, weight: weight)])
  }

  public func evaluate(
    _ logits: Tensor, _ targets: [LabelMap], gradient: Bool, on workers: WorkerPool
  ) throws(LossError) -> LossValue {
    var result = LossValue(value: 0)
    if gradient { result.gradient = Tensor(zeros: logits.shape) }
    for term in terms {
      let weight = term.weight.weight(at: time)
      if weight == 0 { continue }
      let value = try term.loss.evaluate(logits, targets, gradient: gradient, on: workers)
      result.value += weight * value.value
      if let own = value.gradient { result.gradient?.add(own, times: weight) }
    }
    return result
  }
}

extension Tensor {
  /// Adds another tensor of the same shape, scaled by a factor.
  mutating func add(_ other: Tensor, times factor: Double) {
    other.withElements(of: Float.self) { other in
      withMutableElements(of: Float.self) { sum in
        for index in 0..<other.count { sum[index] = Float(Double(sum[index]) + factor * Double(other[index])) }
      }
    }
  }
}
