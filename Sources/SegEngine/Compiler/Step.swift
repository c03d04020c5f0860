/// One operator of a compiled model, with its operands bound to buffers.
struct Step: Sendable {
  /// A tensor inside a buffer: where its elements are is known per run.
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
  /// The inputs that are the same in every run.
  var constantInputs: Set<Int> = []
  /// Where in the arena the operator's scratch memory begins, in bytes.
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
