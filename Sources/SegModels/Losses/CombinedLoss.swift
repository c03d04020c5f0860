import SegEngine

/// A weight that changes in the course of training; time is counted in epochs from 0, or in any other unit.
public enum LossSchedule: Sendable, Hashable {
  /// Always the same.
  case constant(Double)
  /// `from` at time 0, changing evenly to `to` at time `over`, and that from then on.
  case linear(from: Double, to: Double, over: Double)
  /// Weights at times, in their order; evenly changing in between, the first before and the last after them.
  case points([Point])

  /// A weight at a time.
  public struct Point: Sendable, Hashable {
    /// The time.
    public var time: Double
    /// The weight.
    public var weight: Double

    /// Makes a point.
    public init(time: Double, weight: Double) {
      self.time = time
      self.weight = weight
    }
  }

  /// The weight at a time.
  public func weight(at time: Double) -> Double {
    switch self {
    case .constant(let weight): return weight
    case .linear(let from, let to, let over):
      return over <= 0 || time >= over ? to : time <= 0 ? from : from + (to - from) * time / over
    case .points(let points):
      guard let next = points.firstIndex(where: { $0.time > time }) else { return points.last?.weight ?? 0 }
      guard next > 0 else { return points[0].weight }
      let (a, b) = (points[next - 1], points[next])
      return a.weight + (b.weight - a.weight) * (time - a.time) / (b.time - a.time)
    }
  }
}

/// A weighted sum of losses, whose weights may change in the course of training.
///
/// Each of them keeps its own reduction; their elements are not kept.
public struct CombinedLoss: SegmentationLoss {
  /// A loss with its weight.
  public struct Term: Sendable {
    /// The loss.
    public var loss: any SegmentationLoss
    /// Its weight in the course of time.
    public var weight: LossSchedule

    /// Makes a term.
    public init(_ loss: any SegmentationLoss, weight: LossSchedule = .constant(1)) {
      self.loss = loss
      self.weight = weight
    }
  }

  /// The losses.
  public var terms: [Term]
  /// Now, in the unit of the schedules.
  public var time: Double

  /// Makes the sum.
  public init(_ terms: [Term], time: Double = 0) {
    self.terms = terms
    self.time = time
  }

  /// (1 − α) · region + α · boundary with α growing evenly from `from` to `to` over a number of epochs: the rebalancing with which Kervadec
  /// et al. train, who add 0.01 an epoch from 0.01 on.
  public static func rebalanced(
    region: any SegmentationLoss, boundary: BoundaryLoss = BoundaryLoss(), from: Double = 0.01, to: Double = 0.99,
    over epochs: Double = 98
  ) -> CombinedLoss {
    CombinedLoss([
      Term(region, weight: .linear(from: 1 - from, to: 1 - to, over: epochs)),
      Term(boundary, weight: .linear(from: from, to: to, over: epochs)),
    ])
  }

  /// region + α · boundary with a schedule of α.
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
  /// Adds another tensor of the same shape, times a factor.
  mutating func add(_ other: Tensor, times factor: Double) {
    other.withElements(of: Float.self) { other in
      withMutableElements(of: Float.self) { sum in
        for index in 0..<other.count { sum[index] = Float(Double(sum[index]) + factor * Double(other[index])) }
      }
    }
  }
}
