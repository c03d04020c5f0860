/// The memory of one run of one operator.
public struct RunContext {
  let device: ComputeDevice
  /// Scratch memory of ``PreparedOperator/workspaceByteCount`` bytes.
  public let workspace: UnsafeMutableRawPointer
  private let step: Step
  private let addresses: UnsafePointer<UnsafeMutableRawPointer>

  init(
    device: ComputeDevice, workspace: UnsafeMutableRawPointer, step: Step,
    addresses: UnsafePointer<UnsafeMutableRawPointer>
  ) {
    self.device = device
    self.workspace = workspace
    self.step = step
    self.addresses = addresses
  }

  /// The backend: matrix products and threads.
  public var backend: any Backend { device.backend }
  /// The vector kernels.
  package var kernels: any Kernels { device.kernels }
  /// The threads over which the work is split.
  var workers: WorkerPool { device.workers }

  /// Returns the memory of an input.
  public func input(_ index: Int) -> TensorView {
    let operand = step.inputs[index]
    return TensorView(
      base: addresses[operand.buffer] + operand.byteOffset, spec: operand.spec, rowStride: operand.rowStride)
  }

  /// Returns the memory of an output.
  public func output(_ index: Int = 0) -> MutableTensorView {
    let operand = step.outputs[index]
    return MutableTensorView(
      base: addresses[operand.buffer] + operand.byteOffset, spec: operand.spec, rowStride: operand.rowStride)
  }

  /// The number of inputs.
  public var inputCount: Int { step.inputs.count }

  /// The number of outputs.
  public var outputCount: Int { step.outputs.count }

  /// Scratch memory as floats.
  public var scratch: UnsafeMutablePointer<Float> { workspace.assumingMemoryBound(to: Float.self) }
}
