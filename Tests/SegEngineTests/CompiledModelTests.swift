import TestSupport
import Testing

@testable import SegEngine

@Suite struct CompiledModelTests {
  /// Node by node, each in memory of its own: what no sharing of buffers can disturb. Gives the outputs, and what variables become.
  private func evaluate(
    _ graph: Graph, _ parameters: Parameters, _ inputs: [String: Tensor], _ variables: Variables = Variables(),
    on backend: any Backend
  ) throws -> [String: Tensor] {
    var values: [Graph.ValueID: Tensor] = [:]
    for index in graph.values.indices {
      switch graph.values[index].source {
      case .constant(let tensor): values[.init(index: index)] = tensor
      case .parameter(let name): values[.init(index: index)] = parameters[name]
      case .input(let name): values[.init(index: index)] = inputs[name]
      case .variable(let name): values[.init(index: index)] = variables[name]
      case .node: break
      }
    }
    for node in graph.nodes {
      let constants = node.inputs.indices.filter {
        switch graph[node.inputs[$0]].source {
        case .constant, .parameter: true
        case .input, .variable, .node: false
        }
      }
      let results = try OperatorRunner(backend).run(
        node.operator, node.inputs.map { values[$0]! }, constants: Set(constants))
      for (output, tensor) in zip(node.outputs, results) { values[output] = tensor }
    }
    let outputs = graph.outputs.map { ($0.name, values[$0.value]!) }
    return Dictionary(
      uniqueKeysWithValues: outputs + graph.variables.map { ($0.name, values[$0.update ?? $0.value]!) })
  }

  /// A graph of random operators over feature maps of one size: many that may overwrite their operand or forward it, values that
  /// are read several times, and outputs that are inputs, constants, forwarded, or an output already.
  private func randomGraph(_ seed: Int, variables: Int = 0) throws -> Graph {
    var generator = SeededGenerator(seed: UInt64(seed))
    return try Graph("random") { graph in
      let channels = 4
      var maps = [graph.input("a", [1, 6, 5, channels]), graph.input("b", [1, 6, 5, channels])]
      maps.append(graph.constant(.random([1, 6, 5, channels], seed: UInt64(seed))))
      let states = (0..<variables).map {
        graph.variable("v\($0)", initially: .random([1, 6, 5, channels], seed: UInt64($0)))
      }
      maps += states
      for index in 0..<Int.random(in: 4...20, using: &generator) {
        let x = maps.randomElement(using: &generator)!
        let other = maps.randomElement(using: &generator)!
        switch Int.random(in: 0..<15, using: &generator) {
        case 0: maps.append(x.relu())
        case 1: maps.append(x + other)
        case 2: maps.append(x * other)
        case 3: maps.append(x.dropout(rate: 0.1))
        case 4: maps.append(x.tokens().featureMap(like: other))
        case 5: maps.append(x.concat(with: other).slice(axis: 3, from: 2, to: 2 + channels))
        case 6: maps.append(x.batchNorm("bn\(index)").relu())
        case 7: maps.append(x.conv("conv\(index)", channels, kernel: 3).batchNorm("bn\(index)").silu())
        case 8: maps.append(x.softmax(axis: Int.random(in: 1...3, using: &generator)))
        case 9: maps += x.concat(with: other).split(into: 2)
        case 10: maps.append(x.maxPool(kernel: 3, stride: 1, padding: 1) - x)
        case 11: maps.append(x.tokens().linear("linear\(index)", channels).featureMap(like: x))
        case 12: maps.append(x + x)
        case 13: maps.append(x * other.globalAveragePool().sigmoid())
        default: maps.append(x.reshape([0, -1, channels]).layerNorm("norm\(index)").reshape([0, 6, -1, channels]))
        }
      }
      for index in 0..<4 { graph.output("out\(index)", maps.randomElement(using: &generator)!) }
      graph.output("last", maps[maps.count - 1])
      for state in states { graph.update(state, to: maps.randomElement(using: &generator)!) }
    }
  }

  /// Variables of random graphs become what the same operators give for what they were, run after run.
  @Test(arguments: 0..<120)
  func variablesBecomeWhatTheyAreUpdatedTo(seed: Int) throws {
    let graph = try randomGraph(seed, variables: 1 + seed % 3)
    let parameters = Parameters(initializing: graph, seed: 7)
    let inputs = ["a": Tensor.random([1, 6, 5, 4], seed: 1), "b": Tensor.random([1, 6, 5, 4], seed: 2)]
    let reference = ReferenceBackend(workers: WorkerPool(threads: 1))
    for backend in [reference, OpenBLASBackend(workers: WorkerPool(threads: 2))] as [any Backend] {
      for optimizes in [false, true] {
        let model = try graph.compiled(parameters: parameters, on: backend, options: .init(optimizes: optimizes))
        var state = graph.initialVariables
        for run in 0..<2 {
          let exact = try evaluate(graph, parameters, inputs, state, on: reference)
          let outputs = try model.run(inputs, updating: &state)
          for (name, tensor) in outputs.merging(state.tensors, uniquingKeysWith: { $1 }) {
            let problem = mismatch(tensor, NaiveTensor(exact[name]!), Tolerance(absolute: 1e-4, relative: 1e-4))
            #expect(problem == nil, "\(name), run \(run) of seed \(seed) on \(backend.name), optimised: \(optimizes)")
          }
        }
      }
    }
  }

  @Test(arguments: 0..<120)
  func sharedMemoryChangesNothing(seed: Int) throws {
    let graph = try randomGraph(seed)
    let parameters = Parameters(initializing: graph, seed: 7)
    let inputs = ["a": Tensor.random([1, 6, 5, 4], seed: 1), "b": Tensor.random([1, 6, 5, 4], seed: 2)]
    let reference = ReferenceBackend(workers: WorkerPool(threads: 1))
    let exact = try evaluate(graph, parameters, inputs, on: reference)
    for backend in [reference, OpenBLASBackend(workers: WorkerPool(threads: 2))] as [any Backend] {
      let alone = try evaluate(graph, parameters, inputs, on: backend)
      for optimizes in [false, true] {
        let model = try graph.compiled(parameters: parameters, on: backend, options: .init(optimizes: optimizes))
        let results = try model.run(inputs)
        for (name, tensor) in results {
          // The same arithmetic in the same order: the same bits.
          if !optimizes { #expect(tensor == alone[name], "\(name) of graph \(seed) on \(backend.name)") }
          let tolerance = Tolerance(absolute: 1e-4, relative: 1e-4)
          #expect(
            mismatch(tensor, NaiveTensor(exact[name]!), tolerance) == nil, "\(name) of graph \(seed) on \(backend.name)"
          )
        }
      }
    }
  }

  /// One of every operator.
  static func everyOperator() throws -> (graph: Graph, parameters: Parameters, input: Tensor) {
    let graph = try Graph("everything") { graph in
      let x = graph.input("x", [1, 16, 12, 8])
      let (pooled, indices) = x.maxPoolWithIndices(kernel: 2)
      let stem = x.conv("conv", 8, kernel: 3).batchNorm("bn").relu()
      let normed = stem.groupNorm("gn", groups: 2).instanceNorm("in").prelu("prelu").layerNorm("ln")
      let tokens = pooled.tokens().linear("qkv", 8)
      let attended = tokens.attention(keys: tokens, values: tokens, heads: 2).featureMap(like: pooled)
      let up = [
        attended.resize(like: x), attended.resize(like: x, .bicubic), attended.resize(like: x, .nearest),
        pooled.maxUnpool(indices, like: x), x.averagePool(kernel: 2).resize(like: x),
        x.adaptiveMaxPool(to: 3).resize(like: x),
        x.deformableConv("deformed", 8, kernel: 3, offset: x.conv("offset", 18, kernel: 3)),
        x.globalMaxPool().broadcast(spatiallyLike: x),
      ].concatenated().conv("fuse", 8, kernel: 1)
      let parts = (up + normed).split(into: 2)
      let product = parts[0].tokens().matmul(parts[1].tokens(), transposingB: true).softmax()
      let shuffled = x.pixelUnshuffle(2).pixelShuffle(2).transpose([0, 3, 1, 2]).transpose([0, 2, 3, 1])
      let padded = shuffled.pad(2, mode: .reflect).crop(like: x).slice(axis: 1, step: -1)
      graph.output("y", (padded * up.globalAveragePool() + up * 2).softmax(axis: 1).logSoftmax())
      graph.output("product", product.reduce(.norm, axes: [2]))
      graph.output("labels", up.argmax())
    }
    return (graph, Parameters(initializing: graph, seed: 3), .random([1, 16, 12, 8], seed: 4))
  }

  @Test func everyOperatorAgreesWithTheReference() throws {
    let (graph, parameters, input) = try Self.everyOperator()
    let reference = ReferenceBackend(workers: WorkerPool(threads: 1))
    let expected = try evaluate(graph, parameters, ["x": input], on: reference)
    for (name, backend) in everyBackend() {
      let results = try graph.compiled(parameters: parameters, on: backend).run(["x": input])
      for key in ["y", "product"] {
        #expect(
          mismatch(results[key]!, NaiveTensor(expected[key]!), Tolerance(absolute: 1e-4)) == nil, "\(key) \(name)")
      }
    }
  }

  /// Several threads at once, each with a workspace, on one pool: equal bits every time.
  @Test func severalThreadsGetTheSameBits() async throws {
    let (graph, parameters, input) = try Self.everyOperator()
    let backend = OpenBLASBackend(workers: WorkerPool(threads: 2))
    let model = try graph.compiled(parameters: parameters, on: backend)
    let first = try model.run(["x": input])
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<6 {
        group.addTask {
          for _ in 0..<10 where try model.run(["x": input]) != first { return false }
          return true
        }
      }
      for try await isSame in group { #expect(isSame) }
    }
  }

  /// A layer whose weights are all one number: models of it differ in their constants alone.
  private static func layer(of weight: Float) throws -> CompiledModel {
    let graph = try Graph("layer") { graph in
      let x = graph.input("x", [1, 2, 2, 3])
      graph.output("y", x + graph.constant(Tensor([3], repeating: weight)))
    }
    return try graph.compiled(on: OpenBLASBackend(workers: WorkerPool(threads: 1)))
  }

  /// The addresses of a model's constants are in its workspaces: those of another one would give that one's results.
  @Test func aWorkspaceServesTheModelThatMadeItAlone() async throws {
    let model = try Self.layer(of: 1)
    let workspaces = [model.makeWorkspace(), model.makeWorkspace()]
    var outputs = [Tensor(zeros: [1, 2, 2, 3])]
    for workspace in workspaces {
      try model.run([Tensor([1, 2, 2, 3], repeating: Float(2))], into: &outputs, using: workspace)
      #expect(outputs[0] == Tensor([1, 2, 2, 3], repeating: Float(3)))
    }
    await #expect(processExitsWith: .failure) {
      let (one, other) = (try CompiledModelTests.layer(of: 1), try CompiledModelTests.layer(of: 10))
      var outputs = [Tensor(zeros: [1, 2, 2, 3])]
      try one.run([Tensor(zeros: [1, 2, 2, 3])], into: &outputs, using: other.makeWorkspace())
    }
    // A model that is gone makes room for one whose tokens must not be taken for its own.
    await #expect(processExitsWith: .failure) {
      let workspace = try CompiledModelTests.layer(of: 1).makeWorkspace()
      let other = try CompiledModelTests.layer(of: 10)
      var outputs = [Tensor(zeros: [1, 2, 2, 3])]
      try other.run([Tensor(zeros: [1, 2, 2, 3])], into: &outputs, using: workspace)
    }
  }

  /// Copies its input, and refuses one that begins with a negative number.
  private struct Refusing: Operator {
    static let name = "Refusing"

    func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] { inputs }
    func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost { Cost(reading: inputs, writing: outputs) }
    func prepare(_ context: PreparationContext) -> PreparedOperator {
      PreparedOperator { context throws(RunError) in
        let (x, y) = (context.input(0), context.output())
        guard x.floats[0] >= 0 else { throw RunError(Self.name, "\(x.floats[0]) is negative") }
        y.floats.update(from: x.floats, count: x.shape.elementCount)
      }
    }
  }

  /// What a step is not defined for ends the run with its name, and leaves nothing behind.
  @Test func aStepThatRefusesItsValuesIsNamed() throws {
    let graph = try Graph("picky") { graph in
      let x = graph.input("x", [4])
      graph.output("y", graph.scope("head") { (x * 2).apply(Refusing(), named: "check") } + 1)
    }
    let message = "head.check: Refusing: -6.0 is negative"
    func check(_ body: () throws -> Void) {
      do {
        try body()
        Issue.record("the step is not defined for negative numbers")
      } catch {
        #expect("\(error)" == message && error is GraphError)
      }
    }
    let model = try Model(graph, parameters: Parameters())
    let compiled = try model.compiled()
    let (good, bad) = (Tensor([4], [3, -1, 2, 0] as [Float]), Tensor([4], [-3, 1, 2, 0] as [Float]))
    check { _ = try model.run(["x": bad]) }
    check { _ = try model(bad) }
    check { _ = try compiled.profile([bad]) }
    check { _ = try compiled.runSeconds([bad], lasting: 0.01) }
    let workspace = compiled.makeWorkspace()
    var outputs = [Tensor(zeros: [4])]
    check { try compiled.run([bad], into: &outputs, using: workspace) }
    try compiled.run([good], into: &outputs, using: workspace)
    #expect(outputs[0] == Tensor([4], [7, -1, 5, 1] as [Float]))
    #expect(try model(good) == outputs[0])
    #expect(throws: RunError.self) { try OperatorRunner(model.backend).run(Refusing(), [bad]) }
  }
}
