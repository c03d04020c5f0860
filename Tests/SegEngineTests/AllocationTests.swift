import AllocationCounter
import Synchronization
import TestSupport
import Testing

@testable import SegEngine

/// Running allocates nothing, on none of the threads.
@Suite(.enabled(if: counts_allocations())) struct AllocationTests {
  /// What each of a pool's threads has allocated so far: a thread's count is read on that thread, in a loop in which each of them has
  /// exactly one index.
  private func allocations(on pool: WorkerPool, into counts: UnsafeMutablePointer<Int>) {
    let arrived = Atomic(0)
    nonisolated(unsafe) let counts = counts
    pool.forEach(pool.threadCount) { _, worker in
      counts[worker] = allocation_count()
      arrived.add(1, ordering: .sequentiallyConsistent)
      while arrived.load(ordering: .sequentiallyConsistent) < pool.threadCount {}
    }
  }

  /// Allocations of a few runs on any thread of the pool, which nobody else may use, after `warmUps` that do not count.
  private func allocations(
    of model: CompiledModel, _ inputs: [Tensor], on pool: WorkerPool, warmUps: Int = 2
  ) throws -> Int {
    let workspace = model.makeWorkspace()
    var outputs = model.outputs.map { Tensor(zeros: $0.spec.shape, of: $0.spec.elementType) }
    let counts = UnsafeMutablePointer<Int>.allocate(capacity: 2 * pool.threadCount)
    defer { counts.deallocate() }
    // OpenBLAS makes its buffers at the first product of each thread.
    var variables = model.variables.map { Tensor(zeros: $0.spec.shape, of: $0.spec.elementType) }
    for _ in 0..<warmUps { try model.run(inputs, into: &outputs, updating: &variables, using: workspace) }
    allocations(on: pool, into: counts)
    for _ in 0..<3 { try model.run(inputs, into: &outputs, updating: &variables, using: workspace) }
    allocations(on: pool, into: counts + pool.threadCount)
    return (0..<pool.threadCount).reduce(0) { $0 + counts[pool.threadCount + $1] - counts[$1] }
  }

  @Test func allocationsAreCounted() {
    let before = allocation_count()
    let memory = UnsafeMutablePointer<Int>.allocate(capacity: 10)
    memory.deallocate()
    #expect(allocation_count() > before)
  }

  @Test(arguments: [1, 3])
  func runningAllocatesNothing(threads: Int) throws {
    let (graph, parameters, input) = try CompiledModelTests.everyOperator()
    let pool = WorkerPool(threads: threads)
    for optimizes in [true, false] {
      let model = try graph.compiled(
        parameters: parameters, on: OpenBLASBackend(workers: pool), options: .init(optimizes: optimizes))
      #expect(try allocations(of: model, [input], on: pool, warmUps: 20) == 0)
    }
  }

  /// Neither does a step of training, of every kind of gradient and update, which has its variables in place.
  @Test(arguments: [1, 3])
  func trainingAllocatesNothing(threads: Int) throws {
    let pool = WorkerPool(threads: threads)
    for optimizes in [true, false] {
      let model = try TrainingGraphTests.everyGradient().compiled(
        on: OpenBLASBackend(workers: pool), options: .init(optimizes: optimizes))
      let inputs = model.inputs.map { Tensor.random($0.spec.shape) }
      #expect(try allocations(of: model, inputs, on: pool, warmUps: 20) == 0)
    }
  }

  /// Neither does any algorithm of convolution, by whatever weights: constants, or what the network computes and packs in each run.
  @Test(arguments: [1, 3])
  func noAlgorithmAllocates(threads: Int) throws {
    let pool = WorkerPool(threads: threads)
    let backend = OpenBLASBackend(workers: pool)
    var reached: Set<String> = []
    for test in ConvolutionCase.forward + ConvolutionCase.transposed {
      let g = test.geometry
      let isForward = test.direction == .forward
      let weightShape: Shape =
        isForward
        ? [test.outChannels, test.inChannels / g.groups, g.kernel.height, g.kernel.width]
        : [test.inChannels, test.outChannels / g.groups, g.kernel.height, g.kernel.width]
      let x = Tensor.random([test.batch, test.size.height, test.size.width, test.inChannels])
      let weight = Tensor.random(weightShape)
      for isConstant in [true, false] {
        let graph = try Graph("test") { builder in
          let input = builder.input("x", x.shape)
          let weights = isConstant ? builder.constant(weight) : builder.input("w", weightShape)
          let y =
            isForward
            ? input.apply(Convolution(g, function: .relu), named: "y", with: [weights])
            : input.apply(
              TransposedConvolution(g, outputPadding: test.outputPadding, function: .relu), named: "y", with: [weights])
          builder.output("y", y)
        }
        for algorithm in ConvolutionAlgorithms.candidates(for: test.problem, on: ComputeDevice(backend)).map(\.name) {
          let model = try graph.compiled(on: backend, options: .init(convolutionAlgorithm: algorithm))
          #expect(model.stepInfos.last?.algorithm == algorithm)
          reached.insert(algorithm)
          let count = try allocations(of: model, isConstant ? [x] : [x, weight], on: pool)
          #expect(
            count == 0, "\(algorithm) with \(isConstant ? "constant" : "computed") weights: \(test.testDescription)")
        }
      }
    }
    #expect(reached == ConvolutionTests.algorithms)
  }

  /// Nor does any algorithm of a weight gradient.
  @Test(arguments: [1, 3])
  func noWeightGradientAllocates(threads: Int) throws {
    let pool = WorkerPool(threads: threads)
    let backend = OpenBLASBackend(workers: pool)
    var reached: Set<String> = []
    for test in ConvolutionCase.forward {
      let output = test.problem.output
      let x = Tensor.random([test.batch, test.size.height, test.size.width, test.inChannels])
      let dy = Tensor.random([test.batch, output.height, output.width, test.outChannels])
      let graph = try Graph("test") { builder in
        let gradient = builder.input("dy", dy.shape)
        builder.output(
          "dw",
          builder.input("x", x.shape).apply(
            ConvolutionWeightGradient(test.geometry), named: "dw", with: [gradient]))
      }
      for algorithm in WeightGradientAlgorithms.candidates(for: test.problem, on: ComputeDevice(backend)).map(\.name) {
        let model = try graph.compiled(on: backend, options: .init(convolutionAlgorithm: algorithm))
        #expect(model.stepInfos.last?.algorithm == algorithm)
        reached.insert(algorithm)
        // Inputs are in the order of the graph.
        let count = try allocations(of: model, model.inputs[0].name == "x" ? [x, dy] : [dy, x], on: pool)
        #expect(count == 0, "\(algorithm): \(test.testDescription)")
      }
    }
    #expect(reached == Set(CompileOptions.weightGradientAlgorithmNames))
  }
}
