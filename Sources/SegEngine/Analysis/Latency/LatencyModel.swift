/// A model of step latency for a number of threads: the seconds per unit of each feature of a ``StepDemand``, for each
/// kind of step.
public struct LatencyModel: Hashable, Sendable {
  /// The number of threads.
  public let threads: Int
  /// For each kind, the seconds per unit, in the order of ``StepDemand/featureNames``.
  public let coefficients: [String: [Double]]
  /// The coefficients for all other kinds.
  public let fallback: [Double]

  /// Creates a model.
  ///
  /// - Precondition: There is one finite, non-negative coefficient for each feature.
  public init(threads: Int, coefficients: [String: [Double]], fallback: [Double]) {
    precondition(
      threads > 0 && ([fallback] + coefficients.values).allSatisfy(LatencyModel.isValid),
      "each kind must have \(StepDemand.featureNames.count) finite, non-negative coefficients")
    self.threads = threads
    self.coefficients = coefficients
    self.fallback = fallback
  }

  /// Whether there is one finite, non-negative coefficient for each feature.
  public static func isValid(_ coefficients: [Double]) -> Bool {
    coefficients.count == StepDemand.featureNames.count && coefficients.allSatisfy { $0 >= 0 && $0.isFinite }
  }

  /// The estimated time of a step, in seconds.
  public func seconds(for demand: StepDemand) -> Double {
    zip(demand.features, coefficients[demand.kind] ?? fallback).reduce(0) { $0 + $1.0 * $1.1 }
  }
}
