/// The steps of a compiled graph, with algorithms and memory. It holds no weights and cannot be run.
public struct ExecutionPlan: Sendable {
  /// One operator of the compiled graph.
  public struct Step: Sendable {
    /// The node's name in the architecture.
    public let name: String
    /// The operator's name.
    public let kind: String
    /// The kind of work, whose coefficients a ``LatencyModel`` has: the algorithm of a convolution, ``Operator/latencyKind`` otherwise.
    public let latencyKind: String
    /// The operator with its attributes.
    public let operation: String
    /// The algorithm's name, or empty.
    public let algorithm: String
    /// Whether the algorithm is a convolution algorithm, with its own costs; linear layers use them too.
    public let isConvolution: Bool
    /// The work of the algorithm, if known.
    public let work: WorkEstimate?
    /// The cost by the operator's definition.
    public let cost: Cost
    /// Shape and type of the output.
    public let output: TensorSpec
    /// Bytes of the values that are read and written: inputs that are not constants, and outputs.
    public let activationByteCount: Int
    /// Bytes of packed weights and constants that are read.
    public let weightByteCount: Int
    /// Bytes, in the checkpoint's layout, of the weights that the step keeps only in packed form.
    public let sourceWeightByteCount: Int
    /// Bytes of the packed form.
    public let packedWeightByteCount: Int
    /// Scratch memory in bytes.
    public let workspaceByteCount: Int

    /// Makes a step.
    public init(
      name: String, kind: String, latencyKind: String, operation: String, algorithm: String, isConvolution: Bool,
      work: WorkEstimate?,
      cost: Cost, output: TensorSpec, activationByteCount: Int, weightByteCount: Int, sourceWeightByteCount: Int,
      packedWeightByteCount: Int, workspaceByteCount: Int
    ) {
      self.name = name
      self.kind = kind
      self.latencyKind = latencyKind
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
  /// The thread count.
  public let threads: Int
  /// The steps in execution order.
  public let steps: [Step]
  /// Shapes and types of the inputs.
  public let inputs: [TensorSpec]
  /// Shapes and types of the outputs.
  public let outputs: [TensorSpec]
  /// Size in bytes of the memory for one run, without weights, inputs and outputs.
  public let arenaByteCount: Int
  /// Size in bytes of the packed weights.
  public let packedWeightsByteCount: Int
  /// Size in bytes of the constants that are read unpacked.
  public let constantByteCount: Int
  /// The changes by rewrites, in order; only known for plans of ``Graph/plan(for:on:options:)``.
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

  /// The peak bytes of weights during compilation, if they have no other owner: unpacked weights of the steps that are still to be
  /// prepared, plus packed weights of the others.
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

  /// Bytes in memory for running, without the program: the arena, packed weights, constants, inputs and outputs.
  public var residentByteCount: Int {
    arenaByteCount + packedWeightsByteCount + constantByteCount + (inputs + outputs).reduce(0) { $0 + $1.byteCount }
  }
}

extension Step {
  /// The description of the step in a plan.
  var planned: ExecutionPlan.Step {
    func isMap(_ input: Int) -> Bool { !constantInputs.contains(input) }
    func byteCount(_ inputs: Set<Int>) -> Int { inputs.reduce(0) { $0 + self.inputs[$1].spec.byteCount } }
    let source = byteCount(prepared.packedInputs)
    // The first candidate is the one that runs. Other operators' packed weights have nearly the size of the unpacked ones.
    let packed = prepared.packedInputs.isEmpty ? 0 : prepared.candidates.first?.weightByteCount ?? source
    let isConvolution = !prepared.candidates.isEmpty
    return ExecutionPlan.Step(
      name: name, kind: type(of: `operator`).name,
      latencyKind: isConvolution ? prepared.algorithm : `operator`.latencyKind, operation: `operator`.title,
      algorithm: prepared.algorithm, isConvolution: isConvolution, work: prepared.work,
      cost: `operator`.cost(inputs: inputs.map(\.spec), outputs: outputs.map(\.spec)), output: outputs[0].spec,
      activationByteCount: (inputs.indices.filter(isMap).map { inputs[$0].spec } + outputs.map(\.spec))
        .reduce(0) { $0 + $1.byteCount },
      weightByteCount: packed + byteCount(constantInputs.subtracting(prepared.packedInputs)),
      sourceWeightByteCount: source, packedWeightByteCount: packed, workspaceByteCount: prepared.workspaceByteCount)
  }
}

extension Graph {
  /// Plans the graph for the given input shapes as ``compiled(for:parameters:on:options:)`` would compile it, but in a dry run: no weights
  /// are needed, and none are packed. Placeholders replace the parameters.
  ///
  /// - Throws: ``GraphError`` if operands do not fit.
  public func plan(
    for shapes: [String: Shape] = [:], on backend: any Backend = OpenBLASBackend(), options: CompileOptions = .init()
  ) throws -> ExecutionPlan {
    try Compiler(self, Parameters(standingFor: self), backend, options, PackedWeights(isDryRun: true))
      .compile(for: shapes).plan
  }
}

extension Parameters {
  /// Makes weights for planning, all ½; those of one shape share their memory.
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
