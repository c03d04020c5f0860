/// A compiler that turns a graph and its weights into a ``CompiledModel``: it binds weights, rewrites the graph, prepares each operator and
/// plans memory.
struct Compiler {
  private var graph: Graph
  private let device: ComputeDevice
  private let options: CompileOptions
  private let packedWeights: PackedWeights

  init(
    _ graph: Graph, _ parameters: Parameters, _ backend: any Backend, _ options: CompileOptions,
    _ packedWeights: PackedWeights
  ) {
    self.graph = graph
    device = ComputeDevice(backend)
    self.options = options
    self.packedWeights = packedWeights
    for index in graph.values.indices {
      if case .parameter(let name) = graph.values[index].source, let tensor = parameters[name] {
        self.graph.values[index].source = .constant(tensor)
      }
    }
  }

  /// The rewrites in execution order.
  private var rewrites: [any GraphRewrite] {
    [
      RemoveUnusedNodes(), RemoveIdentities(), RecognizeGELU(), RecognizeAttention(), RemoveRepeatedQuantization(),
      ComposeMovements(),
      RemoveIdentities(), MergePadding(), FoldChannelAffine(), RemoveOrderPreserving(), AbsorbProducers(),
      FuseResidual(), FuseFunction(), FuseSeparable(),
      ComposeTransposed(device: device, options: options, isPlanning: packedWeights.isDryRun),
      TransposeBeforeResize(), FuseTransposition(), FusePooling(), NestConcatenations(),
    ]
  }

  /// Compiles the graph and consumes it, so that weights without other owners are released one by one as they are packed.
  consuming func compile(for shapes: [String: Shape]) throws -> CompiledModel {
    let known = options.knownAlgorithms
    precondition(Set(known).count == known.count, "two convolution algorithms have one name among \(known)")
    if case .named(let name) = options.algorithmChoice, !known.contains(name) {
      throw GraphError.unknownAlgorithm(name: name, known: known)
    }
    // Rewrites use the shapes of the compilation.
    for (index, spec) in try graph.specs(forInputs: shapes).enumerated() { graph.values[index].spec = spec }
    var changes: [GraphChange] = []
    if options.optimizes {
      var editor = GraphEditor(graph, recordingChanges: packedWeights.isDryRun)
      graph = Graph(emptyNamed: graph.name)
      for rewrite in rewrites { editor.apply(rewrite) }
      changes = editor.changes
      graph = editor.finish()
    }
    let specs = graph.values.map(\.spec)
    let buffers = BufferAssignment(graph, specs, placesParts: options.optimizes)
    var steps = prepare(specs, buffers)

    // One arena holds the intermediate values and each step's scratch memory.
    var requests = buffers.arena.map { MemoryPlan.Request(byteCount: $0.byteCount, lifetime: $0.lifetime) }
    requests += steps.enumerated().map { .init(byteCount: $1.prepared.workspaceByteCount, lifetime: $0...$0) }
    let plan = MemoryPlan(requests)
    for index in steps.indices { steps[index].workspaceOffset = plan.offsets[buffers.arena.count + index] }

    func ports(_ ports: [Graph.Port], _ buffer: (Graph.Port) -> Int) -> [CompiledModel.Port] {
      ports.map { .init(name: $0.name, spec: specs[$0.value.index], buffer: buffer($0)) }
    }
    return CompiledModel(
      name: graph.name, inputs: ports(graph.inputs) { buffers.places[$0.value.index].buffer },
      outputs: ports(graph.outputs) { buffers.ofOutput[$0.name]! },
      variables: graph.variables.map {
        .init(name: $0.name, spec: $0.spec, buffer: buffers.ofVariable[$0.name]!)
      },
      steps: steps, changes: changes,
      constants: constants(of: buffers, readBy: steps),
      arenaBuffers: zip(buffers.arena, plan.offsets).map { ($0.buffer, $1) }, arenaByteCount: plan.byteCount,
      leastArenaByteCount: plan.lowerBound, bufferCount: buffers.count, device: device, packedWeights: packedWeights)
  }

  /// Returns the constants that steps read at run time, without those that are only read in packed form.
  private func constants(of buffers: BufferAssignment, readBy steps: [Step]) -> [(buffer: Int, tensor: Tensor)] {
    let read = Set(
      steps.flatMap { step in
        step.inputs.enumerated().filter { !step.prepared.packedInputs.contains($0.offset) }.map(\.element.buffer)
      })
    return buffers.constants.compactMap { buffer, value in
      guard read.contains(buffer), case .constant(let tensor) = graph.values[value].source else { return nil }
      return (buffer, tensor)
    }
  }

  /// Prepares the operators in order, and releases each constant after all its readers have packed it.
  private mutating func prepare(_ specs: [TensorSpec], _ buffers: BufferAssignment) -> [Step] {
    // The remaining uses of each constant: by operators that are not prepared yet, or that read it unpacked.
    var uses = graph.useCounts
    func operand(_ id: Graph.ValueID) -> Step.Operand {
      let place = buffers.places[id.index]
      return .init(
        buffer: place.buffer, byteOffset: place.byteOffset, spec: specs[id.index], rowStride: place.rowStride)
    }
    var steps: [Step] = []
    for node in buffers.running {
      let inputs = node.inputs.map { specs[$0.index] }
      let outputs = node.outputs.map { specs[$0.index] }
      let constants = node.inputs.map { id -> Tensor? in
        if case .constant(let tensor) = graph[id].source { return tensor }
        return nil
      }
      let context = PreparationContext(
        inputs: inputs, outputs: outputs, constants: constants, device: device, packedWeights: packedWeights,
        nodeName: ([node.name] + node.foldedNames).joined(separator: "+"), options: options)
      let prepared = node.operator.prepare(context)
      steps.append(
        Step(
          name: node.name, operator: node.operator, prepared: prepared, inputs: node.inputs.map(operand),
          outputs: node.outputs.map(operand), constantInputs: Set(constants.indices.filter { constants[$0] != nil })))
      for position in prepared.packedInputs {
        let value = node.inputs[position].index
        uses[value] -= 1
        if uses[value] == 0 { graph.forgetConstant(value) }
      }
    }
    for copy in buffers.copies {
      func operand(_ place: BufferAssignment.Place) -> Step.Operand {
        .init(buffer: place.buffer, byteOffset: place.byteOffset, spec: copy.spec, rowStride: place.rowStride)
      }
      steps.append(
        Step(
          name: copy.name, operator: Identity(), prepared: .forwarding, inputs: [operand(copy.from)],
          outputs: [operand(copy.to)]))
    }
    return steps
  }
}
