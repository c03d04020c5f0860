import Foundation

/// The learning rate of each step, in proportion to the largest.
public struct LearningRateSchedule: Codable, Hashable, Sendable {
  /// The curve after the warm-up.
  public enum Curve: String, Codable, Hashable, Sendable, CaseIterable {
    /// The rate does not change.
    case constant
    /// (1 − t)^0.9 for the share t of the steps (Chen et al. 2017).
    case poly
    /// (1 + cos πt) / 2 (Loshchilov and Hutter 2017).
    case cosine
    /// A cosine up from 1/25 in the first 30 % of the steps, then down to 0 (Smith and Topin 2019).
    case oneCycle
  }

  /// The curve.
  public var curve: Curve
  /// The steps in which the rate rises in a straight line from 0.
  public var warmup: Int

  /// Makes a schedule.
  public init(_ curve: Curve = .poly, warmup: Int = 0) {
    self.curve = curve
    self.warmup = warmup
  }

  /// The factor of a step, counted from 0, of `count` steps.
  public func factor(step: Int, of count: Int) -> Double {
    if step < warmup { return Double(step + 1) / Double(warmup + 1) }
    let t = min(1, Double(step - warmup) / Double(max(1, count - warmup)))
    switch curve {
    case .constant: return 1
    case .poly: return pow(1 - t, 0.9)
    case .cosine: return 0.5 * (1 + cos(.pi * t))
    case .oneCycle:
      let (rise, start) = (0.3, 0.04)
      return t < rise
        ? start + (1 - start) * 0.5 * (1 - cos(.pi * t / rise)) : 0.5 * (1 + cos(.pi * (t - rise) / (1 - rise)))
    }
  }
}
