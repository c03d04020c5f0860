import TestSupport
import Testing

@testable import SegEngine

/// Tensors that runs read and update.
@Suite struct VariableTests {
  private static let shape: Shape = [1, 3, 3, 2]

  private func tensor(_ number: Float) -> Tensor { Tensor(Self.shape, repeating: number) }

  private func step(_ model: CompiledModel, _ x: Float, _ state: inout Variables) throws -> [String: Float] {
    try model.run(["x": tensor(x)], updating: &state).mapValues { $0.elements(of: Float.self)[0] }
  }

  private func compiled(_ graph: Graph) throws -> CompiledModel {
    try graph.compiled(on: OpenBLASBackend(workers: WorkerPool(threads: 2)))
  }

  /// A sum over runs: what reads the variable reads what it was when the run began.
  @Test func runsReadWhatTheLastOneLeft() throws {
    let graph = try Graph("sum") { g in
      let x = g.input("x", Self.shape)
      let sum = g.variable("sum", initially: tensor(10))
      let next = sum + x
      g.update(sum, to: next)
      g.output("before", sum * 1)
      g.output("after", next * 1)
    }
    let model = try compiled(graph)
    var state = graph.initialVariables
    #expect(try step(model, 1, &state) == ["before": 10, "after": 11])
    #expect(try step(model, 5, &state) == ["before": 11, "after": 16])
    #expect(state["sum"] == tensor(16))
    // Another caller's variables are its own.
    var other = graph.initialVariables
    #expect(try step(model, 2, &other) == ["before": 10, "after": 12])
    #expect(state["sum"] == tensor(16))
  }

  /// The value itself is an output: it is copied before the variable changes.
  @Test func aVariableCanBeAnOutput() throws {
    let graph = try Graph("delay") { g in
      let x = g.input("x", Self.shape)
      let last = g.variable("last", initially: tensor(0))
      g.update(last, to: x)
      g.output("y", last)
    }
    let model = try compiled(graph)
    var state = graph.initialVariables
    #expect(try [3, 4, 5].map { try step(model, $0, &state)["y"] } == [0, 3, 4])
  }

  /// Variables that become one another: none may be overwritten before it is read.
  @Test func variablesCanBeExchanged() throws {
    let graph = try Graph("exchange") { g in
      let x = g.input("x", Self.shape)
      let (a, b, c) = (
        g.variable("a", initially: tensor(1)), g.variable("b", initially: tensor(2)),
        g.variable("c", initially: tensor(3))
      )
      g.update(a, to: b)
      g.update(b, to: c.reshape([1, 9, 2]).reshape([1, 3, 3, 2]))
      g.update(c, to: a + x)
      g.output("y", a * 100 + b * 10 + c)
    }
    let model = try compiled(graph)
    var state = graph.initialVariables
    #expect(try step(model, 0, &state)["y"] == 123)
    #expect(try step(model, 0, &state)["y"] == 231)
    #expect(try step(model, 5, &state)["y"] == 312)
    #expect(["a", "b", "c"].map { state[$0] } == [tensor(1), tensor(2), tensor(8)])
  }

  /// What becomes of a variable lies beside other values in a concatenation.
  @Test func partsOfOtherValuesAreKept() throws {
    let graph = try Graph("parts") { g in
      let x = g.input("x", Self.shape)
      let parts = [x, x * 2].concatenated().split(into: 2)
      let kept = g.variable("kept", initially: tensor(0))
      let both = g.variable("both", initially: Tensor(zeros: [1, 3, 3, 4]))
      g.update(kept, to: parts[1])
      g.update(both, to: [kept, parts[0]].concatenated())
      g.output("y", both.mean(axes: [3]))
    }
    let model = try compiled(graph)
    var state = graph.initialVariables
    #expect(try [1, 2, 3].map { try step(model, $0, &state)["y"] } == [0, 0.5, 2])
    #expect(state["kept"] == tensor(6))
    #expect(state["both"]!.elements(of: Float.self) == (0..<9).flatMap { _ in [4, 4, 3, 3] as [Float] })
  }

  /// A long chain of random steps, with every kind of use, against the same in plain numbers.
  @Test(arguments: 0..<20) func generatedGraphsAgreeWithPlainNumbers(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    let count = Int.random(in: 1...4, using: &random)
    let recipe = (0..<count).map { _ in
      (Int.random(in: 0..<4, using: &random), Int.random(in: 0..<count, using: &random))
    }
    let graph = try Graph("random") { g in
      let x = g.input("x", Self.shape)
      let variables = (0..<count).map { g.variable("v\($0)", initially: tensor(Float($0))) }
      for (index, (kind, other)) in recipe.enumerated() {
        switch kind {
        case 0: g.update(variables[index], to: variables[other])
        case 1: g.update(variables[index], to: variables[other] + x)
        case 2: g.update(variables[index], to: (variables[other] * 0.5).apply(Elementwise(.relu), named: "relu"))
        default: break
        }
      }
      var sum = x
      for variable in variables { sum = sum + variable }
      g.output("y", sum)
    }
    let model = try compiled(graph)
    var state = graph.initialVariables
    var numbers = (0..<count).map { Float($0) }
    for run in 0..<5 {
      let x = Float(run) - 1
      #expect(try step(model, x, &state)["y"] == numbers.reduce(x, +))
      let old = numbers
      for (index, (kind, other)) in recipe.enumerated() {
        switch kind {
        case 0: numbers[index] = old[other]
        case 1: numbers[index] = old[other] + x
        case 2: numbers[index] = max(0, old[other] * 0.5)
        default: break
        }
      }
      for index in 0..<count { #expect(state["v\(index)"] == tensor(numbers[index])) }
    }
  }

  /// An update by an operator that overwrites its operand needs no copy.
  @Test func updatesAreMadeInPlace() throws {
    let graph = try Graph("place") { g in
      let x = g.input("x", Self.shape)
      let sum = g.variable("sum", initially: tensor(0))
      g.update(sum, to: sum + x)
      g.output("y", x.apply(Elementwise(.relu), named: "relu"))
    }
    let model = try compiled(graph)
    #expect(model.stepInfos.count == 2)
    #expect(model.arenaByteCount == 0)
    var state = [tensor(1)]
    let address = state[0].withUnsafeBytes { $0.baseAddress! }
    var outputs = [tensor(0)]
    try model.run([tensor(2)], into: &outputs, updating: &state, using: model.makeWorkspace())
    #expect(state[0] == tensor(3))
    #expect(state[0].withUnsafeBytes { $0.baseAddress! } == address)
  }

  @Test func whatDoesNotFitIsAnError() throws {
    #expect(throws: GraphError.self) {
      try Graph("twice") { g in
        let a = g.variable("a", initially: tensor(0))
        let b = g.variable("a", initially: tensor(0))
        g.output("y", a + b)
      }
    }
    #expect(throws: GraphError.self) {
      try Graph("shape") { g in
        let a = g.variable("a", initially: tensor(0))
        g.update(a, to: g.input("x", [1, 4, 3, 2]))
        g.output("y", a * 1)
      }
    }
    // The update follows the input's shape, the variable does not.
    let graph = try Graph("size") { g in
      let a = g.variable("a", initially: tensor(0))
      g.update(a, to: g.input("x", Self.shape) * 2)
      g.output("y", a * 1)
    }
    #expect(throws: GraphError.self) { try graph.compiled(for: ["x": [1, 4, 3, 2]]) }
    let model = try compiled(graph)
    #expect(throws: GraphError.self) { try model.run(["x": tensor(1)]) }
    var wrong = Variables(["a": Tensor(zeros: [2])])
    #expect(throws: GraphError.self) { try model.run(["x": tensor(1)], updating: &wrong) }
    #expect(wrong["a"]?.shape == [2])
  }
}
