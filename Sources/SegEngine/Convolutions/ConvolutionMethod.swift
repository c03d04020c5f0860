/// A convolution algorithm before it is set up: its name, the problems it applies to, and the function that sets it up for a problem.
public struct ConvolutionMethod: Sendable {
  /// The kind of convolutions that an algorithm applies to, as reports and ``LatencySweep`` distinguish them.
  enum Kind: Hashable, Sendable {
    /// Any geometry.
    case general
    /// 1×1 of stride 1.
    case pointwise
    /// Depthwise.
    case depthwise
    /// 3×3 of stride 1, by Winograd's filtering.
    case winograd
    /// 3×3 with a dilation whose phases have at most `pixels` pixels along each axis, by Winograd's filtering.
    case isolated(pixels: Int)
    /// Transposed, 4×4 of stride 2, by Winograd's filtering.
    case transposedWinograd
    /// Transposed, with the kernel equal to the stride.
    case transposedBlocks
    /// Transposed and depthwise.
    case transposedDepthwise
    /// Transposed, any geometry.
    case transposed

    /// The operation in the ``KernelTable``.
    var operation: KernelTable.Operation {
      switch self {
      case .depthwise, .transposedDepthwise: .depthwise
      case .winograd, .isolated, .transposedWinograd: .winograd
      case .general, .pointwise, .transposedBlocks, .transposed: .panelProduct
      }
    }

    /// Whether the convolution is a transposed one.
    var isTransposed: Bool {
      switch self {
      case .transposedWinograd, .transposedBlocks, .transposedDepthwise, .transposed: true
      case .general, .pointwise, .depthwise, .winograd, .isolated: false
      }
    }

    /// Whether it is computed by Winograd's filtering.
    var isWinograd: Bool {
      switch self {
      case .winograd, .isolated, .transposedWinograd: true
      case .general, .pointwise, .depthwise, .transposedBlocks, .transposedDepthwise, .transposed: false
      }
    }
  }

  /// The name in reports and in ``CompileOptions/AlgorithmChoice/named(_:)``.
  public let name: String
  /// The kind of convolutions that it applies to.
  let kind: Kind
  /// Whether networks use it often, so that calibration takes more samples of it.
  let isFrequent: Bool
  /// Whether outputs are sums of products of weights with pixels, not of transformed ones.
  var sumsProducts: Bool { !kind.isWinograd && !dividesChannels }
  /// Whether it halves the channels into whole panels, as Strassen's algorithm does.
  let dividesChannels: Bool
  /// Sets the algorithm up for a problem; `nil` if it does not apply.
  let make: @Sendable (ConvolutionProblem, ComputeDevice) -> (any ConvolutionAlgorithm)?

  /// Describes an algorithm.
  ///
  /// - Parameters:
  ///   - name: The name in reports and in ``CompileOptions/AlgorithmChoice/named(_:)``.
  ///   - make: Sets the algorithm up for a problem and a backend; returns `nil` if it does not apply.
  public init(
    _ name: String,
    make: @escaping @Sendable (_ problem: ConvolutionProblem, _ backend: any Backend) -> (any ConvolutionAlgorithm)?
  ) {
    self.init(name, .general) { make($0, $1.backend) }
  }

  /// Returns whether the engine's algorithm of a name computes by Winograd's filtering, with fewer multiplications than the definition.
  public static func isWinograd(named name: String) -> Bool {
    (ConvolutionAlgorithms.all + ConvolutionAlgorithms.bfloat16).contains { $0.name == name && $0.kind.isWinograd }
  }

  init(
    _ name: String, _ kind: Kind, isFrequent: Bool = false, dividesChannels: Bool = false,
    _ make: @escaping @Sendable (ConvolutionProblem, ComputeDevice) -> (any ConvolutionAlgorithm)?
  ) {
    self.name = name
    self.kind = kind
    self.isFrequent = isFrequent
    self.dividesChannels = dividesChannels
    self.make = make
  }
}
