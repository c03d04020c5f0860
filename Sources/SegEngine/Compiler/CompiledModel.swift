import Synchronization

/// A graph that is compiled for one set of input shapes: its operators are prepared, its weights packed, and all intermediate tensors
/// placed in one arena.
///
/// Running allocates only the returned tensors; with ``run(_:into:using:)`` nothing. It may be called from several threads at once.
public final class CompiledModel: Sendable {
  /// A named input, output or variable with its shape and type.
  public struct Port: Sendable {
    /// The name.
    public let name: String
    /// Shape and type; feature maps are `[batch, height, width, channels]`.
    public let spec: TensorSpec
    let buffer: Int

    /// A tensor of zeros for the port.
    var zeros: Tensor { Tensor(zeros: spec.shape, of: spec.elementType) }
  }

  /// A description of a step, for reports.
  public struct StepInfo: Sendable {
    /// The node's name in the architecture.
    public let name: String
    /// The operator with its attributes.
    public let operation: String
    /// The algorithm's name, or empty.
    public let algorithm: String
    /// The algorithms that apply, the chosen one first; empty if there was no choice.
    public let candidates: [AlgorithmCandidate]
    /// Shape and type of the output.
    public let output: TensorSpec
    /// Scratch memory in bytes.
    public let workspaceByteCount: Int
  }

  /// The graph's name.
  public let name: String
  /// The inputs of a run.
  public let inputs: [Port]
  /// The outputs of a run.
  public let outputs: [Port]
  /// The variables, which a run reads and may update.
  public let variables: [Port]
  /// Size in bytes of the memory for one run, without weights, inputs and outputs.
  public let arenaByteCount: Int
  /// The largest number of live bytes of the arena at one step: a lower bound for every plan of the same steps.
  let leastArenaByteCount: Int
  /// Size in bytes of the packed weights. Compilations of one ``Model`` share those that are equal.
  public var packedWeightsByteCount: Int { packedWeights.byteCount }

  /// Size in bytes of the constants that are read unpacked at run time: biases, tables, weights that no operator packs.
  public var constantByteCount: Int { constants.reduce(0) { $0 + $1.tensor.byteCount } }

  private let changes: [GraphChange]
  private let steps: [Step]
  private let constants: [(buffer: Int, tensor: Tensor)]
  private let arenaBuffers: [(buffer: Int, offset: Int)]
  private let bufferCount: Int
  private let device: ComputeDevice
  private let packedWeights: PackedWeights
  private let token = Workspace.Token()
  private let parked = Mutex(ParkedWorkspaces())

  init(
    name: String, inputs: [Port], outputs: [Port], variables: [Port], steps: [Step], changes: [GraphChange],
    constants: [(buffer: Int, tensor: Tensor)],
    arenaBuffers: [(buffer: Int, offset: Int)], arenaByteCount: Int, leastArenaByteCount: Int, bufferCount: Int,
    device: ComputeDevice, packedWeights: PackedWeights
  ) {
    self.name = name
    self.inputs = inputs
    self.outputs = outputs
    self.variables = variables
    self.changes = changes
    self.steps = steps
    self.constants = constants
    self.arenaBuffers = arenaBuffers
    self.arenaByteCount = arenaByteCount
    self.leastArenaByteCount = leastArenaByteCount
    self.bufferCount = bufferCount
    self.device = device
    self.packedWeights = packedWeights
  }

  /// The steps in execution order.
  public var stepInfos: [StepInfo] {
    steps.map { step in
      StepInfo(
        name: step.name, operation: step.operator.title, algorithm: step.prepared.algorithm,
        candidates: step.prepared.candidates, output: step.outputs[0].spec,
        workspaceByteCount: step.prepared.workspaceByteCount)
    }
  }

  /// The plan that was made by compiling the graph.
  public var plan: ExecutionPlan {
    ExecutionPlan(
      name: name, threads: device.workers.threadCount, steps: steps.map(\.planned), inputs: inputs.map(\.spec),
      outputs: outputs.map(\.spec), arenaByteCount: arenaByteCount, packedWeightsByteCount: packedWeightsByteCount,
      constantByteCount: constantByteCount, changes: changes)
  }

  /// Makes the memory for one run at a time of this model.
  public func makeWorkspace() -> Workspace {
    let workspace = Workspace(byteCount: arenaByteCount, bufferCount: bufferCount, token: token)
    for (buffer, offset) in arenaBuffers { workspace.addresses[buffer] = workspace.arena + offset }
    for (buffer, tensor) in constants {
      tensor.withUnsafeBytes { workspace.addresses[buffer] = UnsafeMutableRawPointer(mutating: $0.baseAddress!) }
    }
    return workspace
  }

  /// Runs the model on tensors by name and returns its outputs by name.
  ///
  /// - Throws: ``GraphError`` if an input is missing, unknown or has another shape or type than was compiled for, or if a step is not
  ///   defined for its operands' values (``GraphError/run(node:error:)``).
  public func run(_ inputs: [String: Tensor]) throws(GraphError) -> [String: Tensor] {
    var none = Variables()
    return try run(inputs, updating: &none)
  }

  /// Runs the model on tensors by name, updates its variables and returns its outputs by name.
  ///
  /// Variables are updated in place if no other tensor shares their memory.
  ///
  /// - Throws: The errors of ``run(_:)``; ``GraphError/wrongVariable(name:expected:actual:)`` if a variable is missing or has another shape
  ///   or type. If a step is not defined for its operands' values, the contents of the variables are invalid.
  public func run(
    _ inputs: [String: Tensor], updating variables: inout Variables
  ) throws(GraphError) -> [String: Tensor] {
    try run(inputs, updating: &variables) { Tensor(uninitialized: $0.shape, of: $0.elementType) }
  }

  /// Runs the model as ``run(_:updating:)``, with output tensors made by `makeOutput` for their shapes and types.
  package func run(
    _ inputs: [String: Tensor], makingOutputs makeOutput: (TensorSpec) -> Tensor
  ) throws(GraphError) -> [String: Tensor] {
    var none = Variables()
    return try run(inputs, updating: &none, makingOutputs: makeOutput)
  }

  private func run(
    _ inputs: [String: Tensor], updating variables: inout Variables, makingOutputs makeOutput: (TensorSpec) -> Tensor
  ) throws(GraphError) -> [String: Tensor] {
    for name in inputs.keys.sorted() where !self.inputs.contains(where: { $0.name == name }) {
      throw .unknownInput(name: name, expected: self.inputs.map(\.name))
    }
    var ordered: [Tensor] = []
    for port in self.inputs {
      guard let tensor = inputs[port.name] else { throw .missingInput(name: port.name, expected: port.spec) }
      ordered.append(tensor)
    }
    for port in self.variables where variables[port.name]?.spec != port.spec {
      throw .wrongVariable(name: port.name, expected: port.spec, actual: variables[port.name]?.spec)
    }
    var results = outputs.map { makeOutput($0.spec) }
    let workspace = parked.withLock { $0.list.popLast() } ?? makeWorkspace()
    defer { park(workspace) }
    // The tensors are taken out of the dictionary so that they are unique and updated without a copy.
    var state = self.variables.map { variables.tensors.removeValue(forKey: $0.name)! }
    defer { for (port, tensor) in zip(self.variables, state) { variables[port.name] = tensor } }
    try run(ordered, into: &results, updating: &state, using: workspace)
    return Dictionary(uniqueKeysWithValues: zip(outputs.map(\.name), results))
  }

  /// Runs the model on tensors in order, in a workspace that the model keeps between runs.
  ///
  /// - Throws: The errors of ``run(_:into:updating:using:)``.
  package func run(
    _ inputs: [Tensor], into outputs: inout [Tensor], updating variables: inout [Tensor]
  ) throws(GraphError) {
    let workspace = parked.withLock { $0.list.popLast() } ?? makeWorkspace()
    defer { park(workspace) }
    try run(inputs, into: &outputs, updating: &variables, using: workspace)
  }

  /// Runs the model on tensors in the order of ``inputs``, and writes `outputs`, in the order of ``outputs``.
  ///
  /// Allocates nothing if no other tensor shares the memory of `outputs`.
  ///
  /// - Precondition: This model made the workspace, and there are as many tensors as inputs and outputs.
  /// - Throws: ``GraphError`` if an input or output has another shape or type than was compiled for, or if a step is not defined for its
  ///   operands' values (``GraphError/run(node:error:)``). The contents of `outputs` are then invalid.
  public func run(
    _ inputs: [Tensor], into outputs: inout [Tensor], using workspace: Workspace
  ) throws(GraphError) {
    var none: [Tensor] = []
    try run(inputs, into: &outputs, updating: &none, using: workspace)
  }

  /// Runs the model on tensors in the order of ``inputs``, writes `outputs`, in the order of ``outputs``, and updates `variables`, in the
  /// order of ``variables``.
  ///
  /// Allocates nothing if no other tensor shares the memory of `outputs` and `variables`.
  ///
  /// - Precondition: This model made the workspace, and there are as many tensors as inputs, outputs and variables.
  /// - Throws: ``GraphError`` if a tensor has another shape or type than was compiled for, or if a step is not defined for its operands'
  ///   values (``GraphError/run(node:error:)``). The contents of `outputs` and `variables` are then invalid.
  public func run(
    _ inputs: [Tensor], into outputs: inout [Tensor], updating variables: inout [Tensor], using workspace: Workspace
  ) throws(GraphError) {
    precondition(
      variables.count == self.variables.count,
      "\(name) has \(self.variables.count) variables, not \(variables.count)")
    precondition(inputs.count == self.inputs.count, "\(name) takes \(self.inputs.count) inputs, not \(inputs.count)")
    precondition(
      outputs.count == self.outputs.count, "\(name) gives \(self.outputs.count) outputs, not \(outputs.count)")
    precondition(workspace.token === token, "the workspace was made by another model than this \(name)")
    for index in inputs.indices where inputs[index].spec != self.inputs[index].spec {
      throw .wrongInput(
        name: self.inputs[index].name, expected: self.inputs[index].spec, actual: inputs[index].spec)
    }
    for index in outputs.indices where outputs[index].spec != self.outputs[index].spec {
      throw .wrongInput(
        name: self.outputs[index].name, expected: self.outputs[index].spec, actual: outputs[index].spec)
    }
    for (port, variable) in zip(self.variables, variables) where variable.spec != port.spec {
      throw .wrongVariable(name: port.name, expected: port.spec, actual: variable.spec)
    }
    for index in variables.indices {
      variables[index].withUnsafeMutableBytes { workspace.addresses[self.variables[index].buffer] = $0.baseAddress! }
    }
    for index in inputs.indices {
      inputs[index].withUnsafeBytes {
        workspace.addresses[self.inputs[index].buffer] = UnsafeMutableRawPointer(mutating: $0.baseAddress!)
      }
    }
    for index in outputs.indices {
      outputs[index].withUnsafeMutableBytes { workspace.addresses[self.outputs[index].buffer] = $0.baseAddress! }
    }
    // The addresses stay valid, because the tensors outlive the steps.
    try withExtendedLifetime((inputs, outputs, variables, constants)) { () throws(GraphError) in
      for step in steps { try step.run(in: workspace, on: device) }
    }
  }

  /// Runs the steps one by one and returns the seconds of each, in the order of ``stepInfos``.
  ///
  /// - Throws: The errors of ``run(_:into:using:)``.
  public func profile(_ inputs: [Tensor]) throws(GraphError) -> [Double] {
    try profile(inputs, rounds: 1).map { $0[0] }
  }

  /// Runs all steps in order `rounds` times and returns the seconds of each step in each round. Variables are initially zeros.
  ///
  /// - Throws: The errors of ``run(_:into:using:)``.
  public func profile(_ inputs: [Tensor], rounds: Int) throws(GraphError) -> [[Double]] {
    var (results, state) = (outputs.map(\.zeros), variables.map(\.zeros))
    let workspace = makeWorkspace()
    try run(inputs, into: &results, updating: &state, using: workspace)
    let clock = ContinuousClock()
    var times = [[Double]](repeating: [], count: steps.count)
    try withExtendedLifetime((inputs, results, state)) { () throws(GraphError) in
      for _ in 0..<rounds {
        for (index, step) in steps.enumerated() {
          let start = clock.now
          try step.run(in: workspace, on: device)
          times[index].append((clock.now - start) / .seconds(1))
        }
      }
    }
    return times
  }

  /// Releases the workspaces that are kept between runs by name: as many arenas (``arenaByteCount``) as there were concurrent runs at most.
  /// Workspaces in use are not released. The next run allocates a new one.
  public func releaseWorkspaces() {
    let released = parked.withLock { parked in
      defer { parked = ParkedWorkspaces() }
      return parked
    }
    // Memory is freed outside the lock.
    withExtendedLifetime(released) {}
  }

  /// The bytes that ``releaseWorkspaces()`` would release.
  var parkedByteCount: Int { parked.withLock { $0.list.reduce(0) { $0 + $1.byteCount } } }

  /// The weights and constants that runs read.
  var heldTensors: [Tensor] { packedWeights.all + constants.map(\.tensor) }

  private func park(_ workspace: Workspace) {
    let parcel = ParkedWorkspaces(list: [workspace])
    parked.withLock { $0.list += parcel.list }
  }
}
