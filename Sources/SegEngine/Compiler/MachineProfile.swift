/// The seconds per unit of each part of a ``WorkEstimate`` on one core of a machine. Algorithms are chosen by times estimated from it.
/// ``Calibration`` fits one to a machine.
public struct MachineProfile: Hashable, Sendable {
  /// The seconds per unit, in the order of ``WorkEstimate/features``.
  public let secondsPerUnit: [Double]

  /// Makes a profile.
  ///
  /// - Precondition: There is a non-negative coefficient for each feature.
  public init(secondsPerUnit: [Double]) {
    precondition(
      secondsPerUnit.count == WorkEstimate.featureNames.count && secondsPerUnit.allSatisfy { $0 >= 0 },
      "\(WorkEstimate.featureNames.count) coefficients that are not negative, not \(secondsPerUnit)")
    self.secondsPerUnit = secondsPerUnit
  }

  /// The profile for machines without calibration, by the vector kernels that they run.
  public static let standard = VectorKernels.widest.vectorWidth < 16 ? avx2 : avx512

  /// The profile of two cores with AVX2 at some 80 GFLOP/s each.
  static let avx2 = MachineProfile(secondsPerUnit: [
    1 / 36e9, 1 / 2.5e9, 1 / 34.5e9, 1 / 14e9, 1 / 30e9, 1 / 100e9,
  ])

  /// The profile of two cores with AVX-512 at some 100 GFLOP/s each.
  static let avx512 = MachineProfile(secondsPerUnit: [
    1 / 47.6e9, 1 / 4.5e9, 1 / 47e9, 1 / 23e9, 1 / 47.5e9, 1 / 250e9,
  ])

  /// Estimates the time on `threads` cores.
  public func seconds(for work: WorkEstimate, threads: Int = 1) -> Double {
    zip(work.features, secondsPerUnit).reduce(0) { $0 + $1.0 * $1.1 } / Double(threads)
  }
}
