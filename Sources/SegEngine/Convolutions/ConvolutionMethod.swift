/// A convolution algorithm before it is set up for a problem: its name, the problems that it is for, and how it is set up.
public struct ConvolutionMethod: Sendable {
  /// The convolutions that an algorithm is for, as far as reports and ``LatencySweep`` tell them apart.
  enum Kind: Hashable, Sendable {
    /// Any geometry.
    case general
    /// 1×1 of stride 1.
    case pointwise
    /// Each channel by itself.
    case depthwise
    /// 3×3 of stride 1, by Winograd's filtering.
    case winograd
    /// 3×3 of a dilation whose phases have so many pixels along each axis at most, by Winograd's filtering.
    case isolated(pixels: Int)
    /// Transposed, 4×4 of stride 2, by Winograd's filtering.
    case transposedWinograd
    /// Transposed, the kernel being the stride.
    case transposedBlocks
    /// Transposed, any geometry.
    case transposed

    /// What its kernels compute.
    var operation: KernelTable.Operation {
      switch self {
      case .depthwise: .depthwise
      case .winograd, .isolated, .transposedWinograd: .winograd
      case .general, .pointwise, .transposedBlocks, .transposed: .panelProduct
      }
    }

    /// Whether the convolution is a transposed one.
    var isTransposed: Bool { self == .transposedWinograd || self == .transposedBlocks || self == .transposed }

    /// Whether it is computed by Winograd's filtering.
    var isWinograd: Bool {
      switch self {
      case .winograd, .isolated, .transposedWinograd: true
      case .general, .pointwise, .depthwise, .transposedBlocks, .transposed: false
      }
    }
  }

  /// The name in reports and in ``CompileOptions/AlgorithmChoice/named(_:)``.
  public let name: String
  /// The convolutions that it is for.
  let kind: Kind
  /// Whether networks run by it often, so that its coefficients are worth more samples.
  let isFrequent: Bool
  /// Whether it divides channels in halves of whole panels, as Strassen's product does.
  let dividesChannels: Bool
  /// Sets it up for a problem; `nil` where it does not apply.
  let make: @Sendable (ConvolutionProblem, ComputeDevice) -> (any ConvolutionAlgorithm)?

  /// Describes an algorithm.
  ///
  /// - Parameters:
  ///   - name: The name in reports and in ``CompileOptions/AlgorithmChoice/named(_:)``.
  ///   - make: Sets it up for a problem and the backend that it will run on; `nil` where it does not apply.
  public init(
    _ name: String,
    make: @escaping @Sendable (_ problem: ConvolutionProblem, _ backend: any Backend) -> (any ConvolutionAlgorithm)?
  ) {
    self.init(name, .general) { make($0, $1.backend) }
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
