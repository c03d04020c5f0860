/// What an algorithm asks of the machine in one run, from which its time is estimated. Everything is counted over the whole
/// convolution, on however many threads it runs.
public struct AlgorithmDemand: Hashable, Sendable {
  /// Multiply–adds in products with packed weights.
  public var panelMacs = 0.0
  /// Numbers that those products write: each has a cost of its own beside its sum.
  public var panelResults = 0.0
  /// Multiply–adds in the backend's general product.
  public var gemmMacs = 0.0
  /// Arithmetic operations of vector kernels: depthwise sums, transforms.
  public var vectorOperations = 0.0
  /// Bytes that are written or read beside products, from and to caches.
  public var bytesMoved = 0.0
  /// Bytes of weights that come from beyond the second-level cache, each time they do.
  public var weightBytes = 0.0

  /// Asks for nothing.
  public init() {}

  /// The parts in a fixed order, in which a ``MachineProfile`` has a coefficient for each.
  public var features: [Double] {
    [panelMacs, panelResults, gemmMacs, vectorOperations, bytesMoved, weightBytes]
  }
}

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
