import ArgumentParser
import SegEngine
import SegIO
import SegModels

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// `seg bench`: how long a network takes.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Times a network.",
    discussion: "Without --weights the network has random ones, which take the same time.")

  @Argument(help: .model)
  var model: String

  @Option(help: .size)
  var size: SizeArgument?

  @Option(help: .weights)
  var weights: String?

  @Option(help: ArgumentHelp("Timed runs, after one that is not.", valueName: "count"))
  var rounds = 20

  @Flag(help: "Also list the time of each step.")
  var layers = false

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    if rounds < 1 { throw ValidationError("--rounds is at least 1, not \(rounds)") }
  }

  private struct Report: Encodable {
    struct Layer: Encodable {
      let name: String
      let operation: String
      let algorithm: String
      let output: [Int]
      let milliseconds: Double
    }
    let model: String
    let backend: String
    /// Shapes of the inputs.
    let inputs: [[Int]]
    /// Those of the image, where the first input is one.
    let height: Int?
    let width: Int?
    let threads: Int
    let rounds: Int
    let medianMilliseconds: Double
    let minimumMilliseconds: Double
    /// Building, compiling and the first run.
    let firstRunMilliseconds: Double
    let gigaflopsPerSecond: Double
    /// Memory of one run besides weights, inputs and outputs.
    let arenaBytes: Int
    /// The largest resident size of this process.
    let peakBytes: Int
    let layers: [Layer]?
  }

  func run() throws {
    let clock = ContinuousClock()
    let source = try NetworkSource(model)
    let backend = threads.backend
    let graph = try source.graph(for: size)
    let parameters = try source.parameters(weights) ?? Parameters(initializing: graph, seed: 1)

    let start = clock.now
    let compiled = try Failure.about(weights ?? model) { try graph.compiled(parameters: parameters, on: backend) }
    try requireMemory(
      compiled.runByteCount, for: "--size: \(source.name) on \(compiled.inputs.map { "\($0.spec.shape)" }.joined())",
      .usage)
    var generator = SeededGenerator(seed: 2)
    let inputs = compiled.inputs.map { port in
      Tensor(
        port.spec.shape,
        (0..<port.spec.shape.elementCount).map { _ in Float(generator.next() >> 40) * 0x1p-24 })
    }
    var outputs = compiled.outputs.map { Tensor(zeros: $0.spec.shape, of: $0.spec.elementType) }
    let workspace = compiled.makeWorkspace()
    try compiled.run(inputs, into: &outputs, using: workspace)
    let first = (clock.now - start) / .milliseconds(1)

    var times: [Double] = []
    for _ in 0..<rounds {
      let start = clock.now
      try compiled.run(inputs, into: &outputs, using: workspace)
      times.append((clock.now - start) / .milliseconds(1))
    }
    times.sort()
    let median =
      times.count % 2 == 1 ? times[times.count / 2] : (times[times.count / 2 - 1] + times[times.count / 2]) / 2
    let flops = try GraphSummary(graph).total.flops
    let extent = source.imageExtent(of: compiled.inputs[0].spec.shape)
    let report = Report(
      model: source.name, backend: backend.name, inputs: compiled.inputs.map(\.spec.shape.dimensions),
      height: extent?.height, width: extent?.width,
      threads: backend.workers.threadCount, rounds: rounds, medianMilliseconds: median, minimumMilliseconds: times[0],
      firstRunMilliseconds: first, gigaflopsPerSecond: Double(flops) / median / 1e6,
      arenaBytes: compiled.arenaByteCount, peakBytes: peakResidentBytes(),
      layers: layers ? try profile(compiled, inputs) : nil)
    if json { return try printJSON(report) }
    try printText(report)
  }

  /// The median time of each step over the rounds.
  private func profile(_ compiled: CompiledModel, _ inputs: [Tensor]) throws -> [Report.Layer] {
    var times = [[Double]](repeating: [], count: compiled.stepInfos.count)
    for _ in 0..<rounds {
      for (step, seconds) in try compiled.profile(inputs).enumerated() { times[step].append(seconds * 1000) }
    }
    return zip(compiled.stepInfos, times).map { info, times in
      .init(
        name: info.name, operation: info.operation, algorithm: info.algorithm, output: info.output.shape.dimensions,
        milliseconds: times.sorted()[times.count / 2])
    }
  }

  private func printText(_ report: Report) throws {
    try printLine(
      "\(report.model) \(report.inputs.map { "\(Shape($0))" }.joined(separator: " ")), \(report.threads) thread(s), \(report.backend)"
    )
    try printLine(
      "median \(report.medianMilliseconds.fixed(2)) ms, minimum \(report.minimumMilliseconds.fixed(2)) ms over "
        + "\(report.rounds) rounds; first run with compilation \(report.firstRunMilliseconds.fixed(1)) ms")
    try printLine(
      "\(report.gigaflopsPerSecond.fixed(0)) GFLOP/s; arena \((Double(report.arenaBytes) / 1e6).fixed(1)) MB, peak resident "
        + "\((Double(report.peakBytes) / 1e6).fixed(1)) MB")
    guard let layers = report.layers else { return }
    var table = TextTable(["layer", "operator", "algorithm", "output", "ms"], leftAligned: [0, 1, 2, 3])
    for layer in layers {
      table.add([
        layer.name, layer.operation, layer.algorithm, "\(Shape(layer.output))", layer.milliseconds.fixed(3),
      ])
    }
    try printLine("\n" + table.text)
  }

  private func peakResidentBytes() -> Int {
    var usage = rusage()
    #if os(Linux)
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
    #else
    getrusage(RUSAGE_SELF, &usage)
    return usage.ru_maxrss
    #endif
  }
}
