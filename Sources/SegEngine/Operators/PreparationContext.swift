/// The information for preparing an operator: shapes, constants, device and options.
public struct PreparationContext {
  /// Shapes and types of the inputs.
  public let inputs: [TensorSpec]
  /// Shapes and types of the outputs.
  public let outputs: [TensorSpec]
  /// The values of constant inputs, such as weights; `nil` for the others.
  public let constants: [Tensor?]
  /// The backend and the vector kernels.
  let device: ComputeDevice
  /// The packed weights that compilations of the same network share.
  let packedWeights: PackedWeights?
  /// The node's name: the key of its shared weights.
  let nodeName: String
  /// The options of the compilation.
  let options: CompileOptions

  /// Makes a context for preparing a single operator.
  public init(inputs: [TensorSpec], outputs: [TensorSpec], constants: [Tensor?], backend: any Backend) {
    self.init(
      inputs: inputs, outputs: outputs, constants: constants, device: ComputeDevice(backend), packedWeights: nil,
      nodeName: "", options: .init())
  }

  init(
    inputs: [TensorSpec], outputs: [TensorSpec], constants: [Tensor?], device: ComputeDevice,
    packedWeights: PackedWeights?, nodeName: String, options: CompileOptions
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.constants = constants
    self.device = device
    self.packedWeights = packedWeights
    self.nodeName = nodeName
    self.options = options
  }

  /// The backend: matrix products and threads.
  public var backend: any Backend { device.backend }
  /// The vector kernels.
  var kernels: any Kernels { device.kernels }
  /// The threads that the work is split over.
  var workers: WorkerPool { device.workers }

  /// Returns packed weights: `byteCount` bytes, 64-byte aligned, written by `pack` once for all compilations of this network. The packed
  /// form must not depend on the shapes of feature maps. A dry run packs nothing and returns an empty tensor.
  ///
  /// - Parameters:
  ///   - format: The packed format.
  ///   - input: The input whose constant is packed.
  ///   - byteCount: The size of the packed weights in bytes.
  ///   - pack: Writes the packed weights.
  /// - Returns: The bytes, as a tensor of type `uint8`.
  public func packed(
    _ format: PackedFormat, ofInput input: Int = 1, byteCount: Int, _ pack: (UnsafeMutableRawPointer) -> Void
  ) -> Tensor {
    func make() -> Tensor {
      var packed = Tensor(uninitialized: [byteCount], of: .uint8)
      packed.withUnsafeMutableBytes { pack($0.baseAddress!) }
      return packed
    }
    return packedWeights?.tensor(for: "\(nodeName)/\(input)/\(format.key)", byteCount: byteCount, make) ?? make()
  }
}
