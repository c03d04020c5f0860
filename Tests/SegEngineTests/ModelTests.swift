import TestSupport
import Testing

@testable import SegEngine

/// What a model keeps between runs, and lets go.
@Suite struct ModelTests {
  private static let shapes: [Shape] = [[1, 16, 12, 8], [2, 16, 12, 8], [1, 8, 8, 8]]

  private func model(keeping capacity: Int = 4, memoryLimit: Int? = nil) throws -> Model {
    let (graph, parameters, _) = try CompiledModelTests.everyOperator()
    return try Model(graph, parameters: parameters, keeping: capacity, memoryLimit: memoryLimit)
  }

  @Test func modelsKeepTheSizesThatTheyRanLast() throws {
    let model = try model(keeping: 2)
    let input = Tensor.random([1, 16, 12, 8], seed: 4)
    let first = try model.compiled(for: ["x": input.shape])
    #expect(try model.compiled(for: ["x": input.shape]) === first)
    for shape in [[2, 16, 12, 8], [1, 8, 8, 8]] as [Shape] {
      #expect(try model.run(["x": .random(shape)])["y"]?.shape == shape)
    }
    #expect(try model.compiled(for: ["x": input.shape]) !== first)
    #expect(try model.run(["x": input]) == first.run(["x": input]))
  }

  /// What is kept is what the sizes hold, with the weights that they share once.
  @Test func keptBytesAreCountedOnce() throws {
    let model = try model()
    #expect(model.keptByteCount == 0)
    var (arenas, weights) = (0, 0)
    for shape in Self.shapes {
      _ = try model.run(["x": .random(shape)])
      let compiled = try model.compiled(for: ["x": shape])
      arenas += compiled.arenaByteCount
      weights = max(weights, compiled.packedWeightsByteCount)
    }
    #expect(weights > 0)
    #expect(model.keptByteCount >= arenas + weights)
    // Sizes differ in a few of their algorithms at most, so that three of them take less than two copies of the weights.
    #expect(model.keptByteCount < arenas + 2 * weights)
  }

  @Test func whatIsLetGoIsGone() throws {
    let model = try model()
    let inputs = Self.shapes.map { ["x": Tensor.random($0)] }
    let first = try inputs.map(model.run)
    weak let compiled = try model.compiled(for: ["x": Self.shapes[0]])
    #expect(compiled != nil)
    model.releaseMemory()
    #expect(model.keptByteCount == 0)
    #expect(compiled == nil)
    #expect(try inputs.map(model.run) == first)
    #expect(model.keptByteCount > 0)
  }

  /// One that the caller holds goes on; its own memory can be let go apart.
  @Test func aHeldSizeRunsOn() throws {
    let model = try model()
    let input = ["x": Tensor.random(Self.shapes[0])]
    let compiled = try model.compiled(for: ["x": Self.shapes[0]])
    let first = try compiled.run(input)
    #expect(compiled.parkedByteCount == compiled.arenaByteCount)
    model.releaseMemory()
    #expect(compiled.parkedByteCount == 0)
    #expect(try compiled.run(input) == first)
    compiled.releaseWorkspaces()
    #expect(compiled.parkedByteCount == 0)
    #expect(try compiled.run(input) == first)
  }

  /// Whatever the limit, no more is kept after a run, and the results are the same.
  @Test func aLimitIsKept() throws {
    let inputs = Self.shapes.map { ["x": Tensor.random($0)] }
    let free = try model()
    let expected = try inputs.map(free.run)
    let most = free.keptByteCount
    for limit in [0, 1, most / 8, most / 4, most / 2, most * 3 / 4, most - 1, most] {
      let model = try model(memoryLimit: limit)
      for _ in 0..<2 {
        for (input, result) in zip(inputs, expected) {
          #expect(try model.run(input) == result)
          #expect(model.keptByteCount <= limit)
        }
      }
    }
    free.memoryLimit = most / 2
    #expect(free.keptByteCount <= most / 2)
    #expect(free.memoryLimit == most / 2)
    free.memoryLimit = nil
    #expect(try inputs.map(free.run) == expected)
    #expect(free.keptByteCount == most)
  }

  /// Memory of intermediate results, which is soon made again, goes before what was compiled, and what ran last stays longest.
  @Test func whatIsCheapAndOldGoesFirst() throws {
    let model = try model()
    for shape in Self.shapes { _ = try model.run(["x": .random(shape)]) }
    let compiled = try Self.shapes.map { try model.compiled(for: ["x": $0]) }
    let kept = model.keptByteCount
    model.memoryLimit = kept - 1
    #expect(compiled.map { $0.parkedByteCount > 0 } == [false, true, true])
    #expect(model.keptByteCount == kept - compiled[0].arenaByteCount)
    for (shape, one) in zip(Self.shapes, compiled) { #expect(try model.compiled(for: ["x": shape]) === one) }
    model.memoryLimit = kept - compiled.reduce(0) { $0 + $1.arenaByteCount } - 1
    #expect(compiled.allSatisfy { $0.parkedByteCount == 0 })
    #expect(try model.compiled(for: ["x": Self.shapes[2]]) === compiled[2])
    #expect(try model.compiled(for: ["x": Self.shapes[0]]) !== compiled[0])
  }

  /// A graph that is made anew for each size has weights of its own each time.
  @Test func madeGraphsAreBoundedToo() throws {
    let model = Model(name: "made", inputNames: ["x"], outputNames: ["y"], memoryLimit: 300_000) { shapes in
      try Graph("made") { g in
        let weight = g.constant(.random([64, 8, 3, 3]))
        let x = g.input("x", shapes["x"] ?? [1, 4, 4, 8])
        g.output("y", x.apply(Convolution(.init(kernel: 3, padding: 1)), named: "conv", with: [weight]))
      }
    }
    for side in [8, 16, 24, 8] {
      _ = try model(Tensor.random([1, side, side, 8]))
      #expect(model.keptByteCount <= 300_000)
    }
  }

  /// Runs, limits and releases at once: every result is right.
  @Test func severalThreadsShareOneModel() async throws {
    let model = try model(keeping: 2)
    let inputs = Self.shapes.map { ["x": Tensor.random($0)] }
    let expected = try inputs.map(model.run)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for task in 0..<6 {
        group.addTask {
          for turn in 0..<8 {
            let index = (task + turn) % inputs.count
            if task == 0 { model.releaseMemory() }
            if task == 1 { model.memoryLimit = turn % 2 == 0 ? 100_000 : nil }
            guard try model.run(inputs[index]) == expected[index] else { return false }
          }
          return true
        }
      }
      for try await isRight in group { #expect(isRight) }
    }
  }
}
