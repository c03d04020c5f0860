import ArgumentParser
import SegEngine
import SegIO

/// Measures whole networks on one thread and on all threads, alternately.
struct Networks: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Whole networks on one thread and on two, in turn.")

  @Argument(help: "Networks: names, or ONNX files.") var networks: [String]
  @Option(help: "Threads of the second.") var threads = 2
  @Option(help: "Rounds.") var rounds = 5

  func run() throws {
    for network in networks {
      let graph = try NetworkGraph.make(network)
      let parameters = graph.parameters.isEmpty ? Parameters() : Parameters(initializing: graph, seed: 1)
      var contest = Contest()
      let macs = Double(try GraphSummary(graph).total.macs)
      for count in [1, threads] {
        let backend = OpenBLASBackend(workers: WorkerPool(threads: count))
        let runner = try NetworkRunner(graph, parameters, on: backend)
        contest.add("\(count) threads", macs: macs) { runner.run() }
      }
      let outcomes = contest.run(rounds: rounds)
      print(
        network.padded(40)
          + outcomes.map { "\($0.name) \((1000 * $0.median).formatted(1)) ms (\($0.gigaflops.formatted(0)) GFLOP/s)" }
          .joined(separator: ", ") + ", ratio \((outcomes[0].median / outcomes[1].median).formatted(2))")
    }
  }
}

/// A compiled network with random inputs.
final class NetworkRunner {
  private let model: CompiledModel
  private let workspace: Workspace
  private let inputs: [Tensor]
  private var outputs: [Tensor]

  /// Compiles the network. If an algorithm is given, it computes all convolutions that it supports.
  init(_ graph: Graph, _ parameters: Parameters, on backend: OpenBLASBackend, algorithm: String? = nil) throws {
    model = try graph.compiled(
      parameters: parameters, on: backend,
      options: CompileOptions(
        algorithmChoice: algorithm.map { .named($0) } ?? .estimated, profile: .stored(for: backend)))
    workspace = model.makeWorkspace()
    var generator = SeededGenerator(seed: 3)
    inputs = model.inputs.map { port in
      Tensor(
        port.spec.shape, (0..<port.spec.shape.elementCount).map { _ in Float.random(in: 0...1, using: &generator) })
    }
    outputs = model.outputs.map { Tensor(zeros: $0.spec.shape, of: $0.spec.elementType) }
  }

  /// The algorithms of the steps that have one.
  var algorithms: [String] { model.stepInfos.map(\.algorithm).filter { !$0.isEmpty } }

  func run() {
    do {
      try model.run(inputs, into: &outputs, using: workspace)
    } catch {
      preconditionFailure("the network's own tensors fit it: \(error)")
    }
  }
}
