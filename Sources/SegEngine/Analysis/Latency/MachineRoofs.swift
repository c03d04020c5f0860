/// The measured peak rates of a machine: of matrix products on one core, by their shape, and of memory traffic on all
/// threads, by working set.
public struct MachineRoofs: Hashable, Sendable {
  /// Multiply–adds per second of one core for products with packed panels, by depth (rows of the grid) and number of
  /// columns of the matrix (columns).
  public let panelRate: RateGrid
  /// Multiply–adds per second of one core for the backend's general matrix product, by the same extents.
  public let gemmRate: RateGrid
  /// Bytes read and written per second, by working set in bytes (rows of the grid) and threads (columns).
  public let bandwidth: RateGrid

  /// Creates roofs from measured rates.
  public init(panelRate: RateGrid, gemmRate: RateGrid, bandwidth: RateGrid) {
    self.panelRate = panelRate
    self.gemmRate = gemmRate
    self.bandwidth = bandwidth
  }

  /// The best rate of products on one core, in multiply–adds per second.
  public var peakRate: Double { (panelRate.rates + gemmRate.rates).joined().max() ?? 1 }

  /// The roofline bound (Williams, Waterman and Patterson 2009) of a step on a number of threads, in seconds: the
  /// larger of the time of its arithmetic at the peak rate and of its compulsory traffic at the bandwidth of main
  /// memory.
  public func bound(macs: Double, bytes: Double, threads: Int) -> Double {
    let memory = bandwidth.rate(.greatestFiniteMagnitude, Double(threads))
    return max(macs / peakRate / Double(threads), bytes / memory)
  }
}
