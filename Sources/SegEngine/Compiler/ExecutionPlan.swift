/// What compiling a graph decides: the steps, how each will run, and how much memory a run takes. It holds no weights and cannot be
/// run.
public struct ExecutionPlan: Sendable {
  /// One operator of the compiled graph.
  public struct Step: Sendable {
    /// The node's name in the architecture.
    public let name: String
    /// The operator's name.
    public let kind: String
    /// The operator with its attributes.
    public let operation: String
    /// How it runs: the algorithm's name, or empty.
    public let algorithm: String
    /// Whether the algorithm is one of those for convolutions, of which each has costs of its own; linear layers have them too.
    public let isConvolution: Bool
    /// What the algorithm asks of the machine, where it says so.
    public let work: WorkEstimate?
    /// What the operator costs by its definition.
    public let cost: Cost
    /// What it gives.
    public let output: TensorSpec
    /// Bytes of the maps that are read and written: inputs that are no constants, and outputs.
    public let activationByteCount: Int
    /// Bytes of packed weights and constants that are read.
    public let weightByteCount: Int
    /// Bytes of the weights, as checkpoints have them, of which the step keeps a packed form alone.
    public let sourceWeightByteCount: Int
    /// Bytes of that form.
    public let packedWeightByteCount: Int
    /// Scratch memory in bytes.
    public let workspaceByteCount: Int

    /// Describes a step.
    public init(
      name: String, kind: String, operation: String, algorithm: String, isConvolution: Bool, work: WorkEstimate?,
      cost: Cost, output: TensorSpec, activationByteCount: Int, weightByteCount: Int, sourceWeightByteCount: Int,
      packedWeightByteCount: Int, workspaceByteCount: Int
    ) {
      self.name = name
      self.kind = kind
      self.operation = operation
      self.algorithm = algorithm
      self.isConvolution = isConvolution
      self.work = work
      self.cost = cost
      self.output = output
      self.activationByteCount = activationByteCount
      self.weightByteCount = weightByteCount
      self.sourceWeightByteCount = sourceWeightByteCount
      self.packedWeightByteCount = packedWeightByteCount
      self.workspaceByteCount = workspaceByteCount
    }
  }

  /// The graph's name.
  public let name: String
  /// The threads that it was planned for.
  public let threads: Int
  /// The steps in the order in which they run.
  public let steps: [Step]
  /// Shapes and types of the inputs.
  public let inputs: [TensorSpec]
  /// Shapes and types of the outputs.
  public let outputs: [TensorSpec]
  /// Size in bytes of the memory that one run needs besides weights, inputs and outputs.
  public let arenaByteCount: Int
  /// Size in bytes of the packed weights.
  public let packedWeightsByteCount: Int
  /// Size in bytes of the constants that are read as they are.
  public let constantByteCount: Int
  /// What the rewrites changed, in order; known of what ``Graph/plan(for:on:options:)`` gives.
  public let changes: [GraphChange]

  /// Makes a plan.
  public init(
    name: String, threads: Int, steps: [Step], inputs: [TensorSpec], outputs: [TensorSpec], arenaByteCount: Int,
    packedWeightsByteCount: Int, constantByteCount: Int, changes: [GraphChange] = []
  ) {
    self.changes = changes
    self.name = name
    self.threads = threads
    self.steps = steps
    self.inputs = inputs
    self.outputs = outputs
    self.arenaByteCount = arenaByteCount
    self.packedWeightsByteCount = packedWeightsByteCount
    self.constantByteCount = constantByteCount
  }

  /// The most bytes of weights that compiling holds at once, where nobody else holds them: those of steps that are still to be packed, as
  /// they come, beside those that are.
  public var compilingByteCount: Int {
    var source = steps.reduce(0) { $0 + $1.sourceWeightByteCount }
    var (packed, most) = (0, source)
    for step in steps {
      packed += step.packedWeightByteCount
      most = max(most, source + packed)
      source -= step.sourceWeightByteCount
    }
    return most + constantByteCount
  }

  /// Bytes of the arena, packed weights, constants, inputs and outputs: what running holds in memory, the program itself aside.
  public var residentByteCount: Int {
    arenaByteCount + packedWeightsByteCount + constantByteCount + (inputs + outputs).reduce(0) { $0 + $1.byteCount }
  }
}

extension Step {
  /// The step without what runs it.
  var planned: ExecutionPlan.Step {
    func isMap(_ input: Int) -> Bool { !constantInputs.contains(input) }
    func byteCount(_ inputs: Set<Int>) -> Int { inputs.reduce(0) { $0 + self.inputs[$1].spec.byteCount } }
    let source = byteCount(prepared.packedInputs)
    // The first of the candidates is the one that runs; other operators pack weights to nearly what they are.
    let packed = prepared.packedInputs.isEmpty ? 0 : prepared.candidates.first?.weightByteCount ?? source
    return ExecutionPlan.Step(
      name: name, kind: type(of: `operator`).name, operation: `operator`.title,
      algorithm: prepared.algorithm, isConvolution: !prepared.candidates.isEmpty, work: prepared.work,
      cost: `operator`.cost(inputs: inputs.map(\.spec), outputs: outputs.map(\.spec)), output: outputs[0].spec,
      activationByteCount: (inputs.indices.filter(isMap).map { inputs[$0].spec } + outputs.map(\.spec))
        .reduce(0) { $0 + $1.byteCount },
      weightByteCount: packed + byteCount(constantInputs.subtracting(prepared.packedInputs)),
      sourceWeightByteCount: source, packedWeightByteCount: packed, workspaceByteCount: prepared.workspaceByteCount)
  }
}

extension Graph {
  /// Plans the graph for the given input shapes as ``compiled(for:parameters:on:options:)`` would compile it, without its weights: none
  /// are packed, and those that the graph has not in itself stand for numbers that nobody reads.
  ///
  /// - Throws: ``GraphError`` where operands do not fit.
  public func plan(
    for shapes: [String: Shape] = [:], on backend: any Backend = OpenBLASBackend(), options: CompileOptions = .init()
  ) throws -> ExecutionPlan {
    try Compiler(self, Parameters(standingFor: self), backend, options, PackedWeights(isDryRun: true))
      .compile(for: shapes).plan
  }
}

extension Parameters {
  /// Weights that are all ½; those of one shape share their memory.
  fileprivate init(standingFor graph: Graph) {
    self.init()
    var tensors: [TensorSpec: Tensor] = [:]
    for info in graph.parameters {
      let tensor =
        tensors[info.spec]
        ?? (info.spec.elementType == .float32
          ? Tensor(info.spec.shape, repeating: Float(0.5)) : Tensor(zeros: info.spec.shape, of: info.spec.elementType))
      tensors[info.spec] = tensor
      self[info.name] = tensor
    }
  }
}
