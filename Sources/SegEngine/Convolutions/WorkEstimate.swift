/// The work of one run of an algorithm, from which its time is estimated. It is counted over the whole convolution, for any number of
/// threads.
public struct WorkEstimate: Hashable, Sendable {
  /// Multiply–adds in products with packed weights.
  public var panelMacs = 0.0
  /// The numbers that those products write, which cost time in addition to the multiply–adds.
  public var panelResults = 0.0
  /// Multiply–adds in the backend's general product.
  public var gemmMacs = 0.0
  /// Arithmetic operations of vector kernels: depthwise sums, transforms.
  public var vectorOperations = 0.0
  /// Bytes that are read from or written to caches outside of products.
  public var bytesMoved = 0.0
  /// Bytes of weights that are read from beyond the second-level cache, counted at each reading.
  public var weightBytes = 0.0

  /// Columns of the products' right-hand matrices, on which the speed of products depends; 0 if unknown. It is not a feature.
  public var columns = 0

  /// Makes an estimate of no work.
  public init() {}

  /// The names of the features in files and reports.
  public static let featureNames = [
    "panel_macs", "panel_results", "gemm_macs", "vector_operations", "bytes_moved", "weight_bytes",
  ]

  /// The values in the order of ``featureNames``. A ``MachineProfile`` has a coefficient for each.
  public var features: [Double] {
    [panelMacs, panelResults, gemmMacs, vectorOperations, bytesMoved, weightBytes]
  }
}
