/// What a machine can do at most, as measured: the rates of products by their shape on one core, and of moving bytes by the size of what
/// is moved on all threads.
public struct MachineRoofs: Hashable, Sendable {
  /// Multiply–adds a second of one core in products with packed panels, by terms of a sum (rows) and columns of the matrix.
  public let panelRate: RateGrid
  /// Multiply–adds a second of one core in the backend's general product, likewise.
  public let gemmRate: RateGrid
  /// Bytes a second, read and written together, by the bytes of the working set (rows) and threads (columns).
  public let bandwidth: RateGrid

  /// Joins rates.
  public init(panelRate: RateGrid, gemmRate: RateGrid, bandwidth: RateGrid) {
    self.panelRate = panelRate
    self.gemmRate = gemmRate
    self.bandwidth = bandwidth
  }

  /// The best rate of products on one core, multiply–adds a second.
  public var peakRate: Double { (panelRate.rates + gemmRate.rates).joined().max() ?? 1 }

  /// The roofline's bound (Williams, Waterman and Patterson 2009) for a step on some threads, in seconds: the longer of its
  /// arithmetic at the best rate and of its compulsory bytes at the rate of memory beyond all caches.
  public func bound(macs: Double, bytes: Double, threads: Int) -> Double {
    let memory = bandwidth.rate(.greatestFiniteMagnitude, Double(threads))
    return max(macs / peakRate / Double(threads), bytes / memory)
  }
}
