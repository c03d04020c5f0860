import ArgumentParser
import SegEngine
import SegIO

/// Measures the time of each step of a network, and compares it with the machine's roofs.
struct Steps: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Where networks' time goes, step by step, beside the machine's roofs; writes a Markdown table.")

  @Argument(help: "Networks: names, or ONNX files.") var networks: [String]
  @Option(help: "Height and width of named networks' inputs.") var size: Int?
  @Option(help: "Threads.") var threads = 2
  @Option(help: "Rounds.") var rounds = 25

  func run() throws {
    let backend = OpenBLASBackend(workers: WorkerPool(threads: threads))
    for network in networks { try printSteps(of: network, on: backend) }
  }

  private func printSteps(of network: String, on backend: OpenBLASBackend) throws {
    let graph = try NetworkGraph.make(network, size: size)
    let parameters = graph.parameters.isEmpty ? Parameters() : Parameters(initializing: graph, seed: 1)
    let model = try graph.compiled(
      parameters: parameters, on: backend, options: CompileOptions(profile: .stored(for: backend)))
    let inputs = model.inputs.map { Tensor($0.spec.shape, repeating: Float(0.5)) }
    let roofs = Roofs(on: backend, rounds: 5)
    let times = try model.profile(inputs, rounds: rounds)
    print(
      "\(model.name), \(backend.name), \(threads) threads: medians of \(rounds) rounds. Roofs: sgemm 1024³ "
        + "\(roofs.gigaflops.formatted(0)) GFLOP/s, memory \(roofs.gigabytes.formatted(0)) GB/s copied.\n")
    print(
      "| step | algorithm | output | ms | products, ms | maps and weights, ms | of the roof |\n|---|---|---|---|---|---|---|"
    )
    var (total, bare) = (0.0, 0.0)
    for (step, times) in zip(model.plan.steps, times) {
      let seconds = times.median
      // The multiplications of the chosen algorithm, not of the definition.
      let macs = step.work.map { $0.panelMacs + $0.gemmMacs } ?? Double(step.cost.macs)
      let products = 2 * macs / roofs.gigaflops / 1e9
      let memory = Double(step.activationByteCount + step.weightByteCount) / roofs.gigabytes / 1e9
      (total, bare) = (total + seconds, bare + products)
      let figures = [seconds, products, memory].map { (1000 * $0).formatted(2) }.joined(separator: " | ")
      print(
        "| \(step.name) | \(step.algorithm.isEmpty ? step.kind : step.algorithm) | \(step.output.shape) | \(figures) | "
          + "\((max(products, memory) / seconds).formatted(2)) |")
    }
    print(
      "| all | | | \((1000 * total).formatted(1)) | \((1000 * bare).formatted(1)) | | "
        + "\((bare / total).formatted(2)) |\n")
  }
}
