/// A runner of a single operator on tensors that checks its memory accesses. Tests use it to compare operators with their definitions.
package struct OperatorRunner {
  /// A forbidden memory access.
  package enum Violation: Error, CustomStringConvertible {
    /// A write outside an output, or into an input.
    case wroteOutside(String)

    package var description: String {
      switch self {
      case .wroteOutside(let place): "the operator wrote \(place)"
      }
    }
  }

  /// The backend.
  package var backend: any Backend
  /// Whether the rows of every operand are strided, with NaN between them, if the operator supports that.
  package var isStrided = false
  /// The input whose memory output 0 is to overwrite.
  package var overwrittenInput: Int?

  /// Makes a runner.
  package init(_ backend: any Backend, isStrided: Bool = false, overwriting overwrittenInput: Int? = nil) {
    self.backend = backend
    self.isStrided = isStrided
    self.overwrittenInput = overwrittenInput
  }

  /// Prepares the operator for the inputs and runs it once. The inputs at the indices `constants` are constants in its preparation.
  ///
  /// Outputs and scratch memory hold NaN before it runs.
  ///
  /// - Throws: ``ShapeError`` of the shape rule, ``RunError`` of the run, ``Violation`` for a forbidden write.
  package func run(
    _ operator: some Operator, _ inputs: [Tensor], constants: Set<Int> = []
  ) throws -> [Tensor] {
    let outputs = try `operator`.outputs(for: inputs.map(\.spec))
    let prepared = `operator`.prepare(
      PreparationContext(
        inputs: inputs.map(\.spec), outputs: outputs,
        constants: inputs.indices.map { constants.contains($0) ? inputs[$0] : nil }, backend: backend))
    let apart = isStrided && `operator`.takesRowStrides
    let inputMemory = inputs.enumerated().map {
      GuardedMemory($1.spec, gap: apart && `operator`.takesRowStrides(ofInput: $0) ? $0 + 1 : 0)
    }
    for (memory, tensor) in zip(inputMemory, inputs) { memory.write(tensor) }
    var outputMemory = outputs.enumerated().map { GuardedMemory($1, gap: apart ? 2 * $0 + 3 : 0) }
    if let overwrittenInput, inputs[overwrittenInput].spec == outputs[0] {
      outputMemory[0] = inputMemory[overwrittenInput]
    }
    let scratch = GuardedMemory(TensorSpec([prepared.workspaceByteCount], .uint8), gap: 0)
    let all = inputMemory + outputMemory
    let addresses = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: max(1, all.count))
    defer { addresses.deallocate() }
    for (index, memory) in all.enumerated() { (addresses + index).initialize(to: memory.base) }
    func operand(_ index: Int, _ spec: TensorSpec) -> Step.Operand {
      .init(buffer: index, spec: spec, rowStride: all[index].rowStride)
    }
    let step = Step(
      name: "", operator: `operator`, prepared: prepared,
      inputs: inputs.enumerated().map { operand($0, $1.spec) },
      outputs: outputs.enumerated().map { operand(inputs.count + $0, $1) })
    try withExtendedLifetime((all, scratch)) { () throws(RunError) in
      try prepared.run(
        RunContext(device: ComputeDevice(backend), workspace: scratch.base, step: step, addresses: addresses))
    }
    for (index, memory) in inputMemory.enumerated() where memory !== outputMemory.first {
      if !memory.isIntact || memory.read() != inputs[index] { throw Violation.wroteOutside("into input \(index)") }
    }
    for (index, memory) in outputMemory.enumerated() where !memory.isIntact {
      throw Violation.wroteOutside("beside output \(index)")
    }
    if !scratch.isIntact { throw Violation.wroteOutside("beside its scratch memory") }
    return outputMemory.map { $0.read() }
  }
}

/// The memory of a tensor. All bits around it and between its rows are set, and initially those inside it.
private final class GuardedMemory {
  private static let border = 256

  let base: UnsafeMutableRawPointer
  let rowStride: Int
  private let spec: TensorSpec
  private let allocation: UnsafeMutableRawBufferPointer

  init(_ spec: TensorSpec, gap: Int) {
    self.spec = spec
    rowStride = spec.shape.channels + gap
    let size = spec.shape.rows * rowStride * spec.elementType.byteCount
    allocation = .allocate(
      byteCount: size + 2 * GuardedMemory.border, alignment: AlignedMemory.alignment)
    allocation.initializeMemory(as: UInt8.self, repeating: 0xff)
    base = allocation.baseAddress! + GuardedMemory.border
  }

  deinit { allocation.deallocate() }

  func write(_ tensor: Tensor) {
    tensor.withUnsafeBytes { bytes in
      forEachRow { row, count in
        (base + row * rowStride * spec.elementType.byteCount).copyMemory(
          from: bytes.baseAddress! + row * count, byteCount: count)
      }
    }
  }

  func read() -> Tensor {
    var tensor = Tensor(uninitialized: spec.shape, of: spec.elementType)
    tensor.withUnsafeMutableBytes { bytes in
      forEachRow { row, count in
        (bytes.baseAddress! + row * count).copyMemory(
          from: base + row * rowStride * spec.elementType.byteCount, byteCount: count)
      }
    }
    return tensor
  }

  /// Whether all memory outside the tensor is unchanged.
  var isIntact: Bool {
    var isIntact = true
    func check(_ range: Range<Int>) { isIntact = isIntact && allocation[range].allSatisfy { $0 == 0xff } }
    check(0..<GuardedMemory.border)
    forEachRow { row, count in
      let end = GuardedMemory.border + row * rowStride * spec.elementType.byteCount + count
      check(end..<GuardedMemory.border + (row + 1) * rowStride * spec.elementType.byteCount)
    }
    check(allocation.count - GuardedMemory.border..<allocation.count)
    return isIntact
  }

  private func forEachRow(_ body: (_ row: Int, _ byteCount: Int) -> Void) {
    for row in 0..<spec.shape.rows { body(row, spec.shape.channels * spec.elementType.byteCount) }
  }
}
