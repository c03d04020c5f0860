/// An operator of a compiled model, with its operands assigned to buffers.
struct Step: Sendable {
  /// A tensor in a buffer. The buffer's address is known per run.
  struct Operand: Sendable {
    let buffer: Int
    /// Bytes from the buffer's beginning to the first element.
    var byteOffset = 0
    let spec: TensorSpec
    let rowStride: Int
  }

  let name: String
  let `operator`: any Operator
  let prepared: PreparedOperator
  let inputs: [Operand]
  let outputs: [Operand]
  /// The constant inputs.
  var constantInputs: Set<Int> = []
  /// The offset in bytes of the operator's scratch memory in the arena.
  var workspaceOffset = 0

  /// Runs the operator in a workspace of its model.
  ///
  /// - Throws: ``GraphError/run(node:error:)`` with the step's name.
  func run(in workspace: Workspace, on device: ComputeDevice) throws(GraphError) {
    do {
      try prepared.run(
        RunContext(
          device: device, workspace: workspace.arena + workspaceOffset, step: self, addresses: workspace.addresses))
    } catch {
      throw .run(node: name, error: error)
    }
  }
}
