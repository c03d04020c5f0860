/// How long steps take on a number of threads: seconds for one unit of each part of a ``StepDemand``, for each kind of step by itself.
public struct LatencyModel: Hashable, Sendable {
  /// The threads that it is for.
  public let threads: Int
  /// Seconds a unit by kind, in the order of ``StepDemand/featureNames``.
  public let coefficients: [String: [Double]]
  /// The same for kinds that have no coefficients of their own.
  public let fallback: [Double]

  /// Makes a model.
  ///
  /// - Precondition: there is a coefficient, finite and not below zero, for each feature.
  public init(threads: Int, coefficients: [String: [Double]], fallback: [Double]) {
    precondition(
      threads > 0 && ([fallback] + coefficients.values).allSatisfy(LatencyModel.isValid),
      "\(StepDemand.featureNames.count) finite coefficients that are not negative, for each kind")
    self.threads = threads
    self.coefficients = coefficients
    self.fallback = fallback
  }

  /// Whether there is one coefficient, finite and not below zero, for each feature.
  public static func isValid(_ coefficients: [Double]) -> Bool {
    coefficients.count == StepDemand.featureNames.count && coefficients.allSatisfy { $0 >= 0 && $0.isFinite }
  }

  /// The seconds that a step takes.
  public func seconds(for demand: StepDemand) -> Double {
    zip(demand.features, coefficients[demand.kind] ?? fallback).reduce(0) { $0 + $1.0 * $1.1 }
  }
}
