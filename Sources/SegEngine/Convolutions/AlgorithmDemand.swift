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

  /// Columns of the products' right-hand matrices, on which their rate depends besides; 0 where that is not said. No feature by itself.
  public var columns = 0

  /// Asks for nothing.
  public init() {}

  /// What the features are called, in files and reports.
  public static let featureNames = [
    "panel_macs", "panel_results", "gemm_macs", "vector_operations", "bytes_moved", "weight_bytes",
  ]

  /// The parts in a fixed order, in which a ``MachineProfile`` has a coefficient for each.
  public var features: [Double] {
    [panelMacs, panelResults, gemmMacs, vectorOperations, bytesMoved, weightBytes]
  }
}
