/// What an operator is told when it is prepared for given shapes.
public struct PreparationContext {
  /// Shapes and types of the inputs.
  public let inputs: [TensorSpec]
  /// Shapes and types of the outputs.
  public let outputs: [TensorSpec]
  /// The values of those inputs that are the same in every run: weights and constants.
  public let constants: [Tensor?]
  /// The backend and the vector kernels that it will run on.
  let device: ComputeDevice
  /// Packed weights that several compilations of the same network share.
  let packedWeights: PackedWeights?
  /// The node's name, which is the key of what it shares.
  let nodeName: String
  /// The choices of the compilation.
  let options: CompileOptions

  /// Makes a context for preparing an operator by itself.
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

  /// The matrix products and threads that it will run on.
  public var backend: any Backend { device.backend }
  /// The vector kernels that it will run on.
  var kernels: any Kernels { device.kernels }
  /// The threads over which it will split its work.
  var workers: WorkerPool { device.workers }

  /// Weights in the form in which the operator reads them: `byteCount` bytes, 64-byte aligned, that `pack` writes, once for all
  /// compilations of this network. The form must not depend on the shapes of feature maps. A compilation that is only planned packs nothing
  /// and gives an empty tensor.
  ///
  /// - Parameters:
  ///   - format: What the bytes are.
  ///   - input: The input whose constant is packed.
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
