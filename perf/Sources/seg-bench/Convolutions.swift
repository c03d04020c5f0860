import ArgumentParser
import SegEngine

/// Each convolution algorithm's rate on the layers of dense networks, as a ratio to sgemm 1024³ timed in turn in the same run.
struct Convolutions: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Rate of each convolution algorithm as a ratio to that of sgemm 1024³ in the same run.")

  @Option(help: "Threads.") var threads = 1
  @Option(help: "Rounds.") var rounds = 9

  func run() throws {
    let backend = OpenBLASBackend(workers: WorkerPool(threads: threads))
    print(
      "# \(backend.name), \(threads) thread(s), \(rounds) rounds, ratio of medians to sgemm 1024³ on as many threads")
    for (channels, side) in [(64, 256), (128, 128), (256, 64), (512, 64), (512, 32), (1024, 16)] {
      var contest = Contest()
      let sgemm = SquareProduct(side: 1024, copies: threads, on: backend)
      contest.add("sgemm 1024³", macs: sgemm.macs) { sgemm.run() }
      for algorithm in ["im2col", "direct", "winograd 2×2", "winograd 4×4", "winograd 6×6"] {
        guard let layer = try Layer(channels: channels, side: side, algorithm: algorithm, on: backend) else { continue }
        contest.add(algorithm, macs: layer.macs) { layer.run() }
      }
      let outcomes = contest.run(rounds: rounds)
      let roof = outcomes[0].gigaflops
      var line = "\(channels)→\(channels), \(side)²".padded(20) + " sgemm \(roof.formatted(0)) GFLOP/s"
      for outcome in outcomes.dropFirst() {
        line += " | \(outcome.name) \((outcome.gigaflops / roof).formatted(2))"
      }
      print(line)
    }
  }
}

/// Square products, one a thread.
final class SquareProduct {
  private let side: Int
  private let copies: Int
  private let backend: OpenBLASBackend
  private let a: [Float]
  private let b: [Float]
  private let c: UnsafeMutablePointer<Float>

  var macs: Double { Double(copies) * Double(side) * Double(side) * Double(side) }

  init(side: Int, copies: Int, on backend: OpenBLASBackend) {
    self.side = side
    self.copies = copies
    self.backend = backend
    a = (0..<side * side).map { Float($0 % 7) }
    b = (0..<side * side).map { Float($0 % 5) }
    c = .allocate(capacity: copies * side * side)
    c.initialize(repeating: 0, count: copies * side * side)
  }

  deinit { c.deallocate() }

  func run() {
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        backend.workers.forEach(copies) { index, _ in
          backend.gemm(
            transposeA: false, transposeB: false, m: side, n: side, k: side, alpha: 1, a.baseAddress!, side,
            b.baseAddress!, side, beta: 0, c + index * side * side, side)
        }
      }
    }
  }
}

/// A 3×3 convolution of stride 1, bias and ReLU included.
final class Layer {
  let macs: Double
  private let model: CompiledModel
  private let workspace: Workspace
  private let input: [Tensor]
  private var output: [Tensor]

  /// `nil` where the algorithm does not apply on this machine.
  init?(channels: Int, side: Int, algorithm: String, on backend: OpenBLASBackend) throws {
    let graph = try Graph("layer") { g in
      g.output("y", g.input("x", [1, side, side, channels]).conv("conv", channels, kernel: 3).relu())
    }
    model = try graph.compiled(
      parameters: Parameters(initializing: graph, seed: 1), on: backend,
      options: CompileOptions(convolutionAlgorithm: algorithm))
    guard model.stepInfos[0].algorithm == algorithm else { return nil }
    workspace = model.makeWorkspace()
    var generator = SeededGenerator(seed: 2)
    let shape: Shape = [1, side, side, channels]
    input = [Tensor(shape, (0..<shape.elementCount).map { _ in Float.random(in: -1...1, using: &generator) })]
    output = [Tensor(zeros: shape)]
    macs = Double(side * side * channels * channels * 9)
  }

  func run() {
    do {
      try model.run(input, into: &output, using: workspace)
    } catch {
      preconditionFailure("the layer's own tensors fit it: \(error)")
    }
  }
}
