/// How long the machine takes for one unit of each part of an ``AlgorithmDemand``, on one core.
public struct MachineProfile: Hashable, Sendable, Codable {
  /// Seconds a unit, in the order of ``AlgorithmDemand/features``.
  public var secondsPerUnit: [Double]

  /// Makes a profile.
  ///
  /// - Precondition: there is a coefficient for each feature.
  public init(secondsPerUnit: [Double]) {
    precondition(
      secondsPerUnit.count == AlgorithmDemand().features.count,
      "\(AlgorithmDemand().features.count) coefficients, not \(secondsPerUnit.count)")
    self.secondsPerUnit = secondsPerUnit
  }

  /// A core of some 80 GFLOP/s, for machines that have not been calibrated. Only the order of the algorithms hangs on it.
  public static let standard = MachineProfile(secondsPerUnit: [
    1 / 42e9, 1 / 3e9, 1 / 38e9, 1 / 25e9, 1 / 30e9, 1 / 12e9,
  ])

  /// The estimated time on `threads` cores.
  public func seconds(for demand: AlgorithmDemand, threads: Int = 1) -> Double {
    zip(demand.features, secondsPerUnit).reduce(0) { $0 + $1.0 * $1.1 } / Double(threads)
  }
}
