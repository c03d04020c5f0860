import SegEngine

/// A weight that depends on the training time. Time is counted in epochs from 0, or in any other unit.
public enum LossSchedule: Sendable, Hashable {
  /// A constant weight.
  case constant(Double)
  /// Linear from `from` at time 0 to `to` at time `over`; `to` afterwards.
  case linear(from: Double, to: Double, over: Double)
  /// Linear interpolation between points in order of time. Before the first point its weight applies, after the last
  /// point the last weight.
  case points([Point])

  /// A weight at a point in time.
  public struct Point: Sendable, Hashable {
    /// The time, in the unit of the schedule.
    public var time: Double
    /// The weight at that time.
    public var weight: Double

    /// Creates a point.
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
