import ArgumentParser
import SegEngine
import SegIO
import SegModels

/// The command `seg bench`: measures the time of a network.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Times a network.",
    discussion: """
      Without --weights the network has random ones, and without --input random inputs, which take the same time.

      With --serve the network stays loaded, so that it can be timed in turn with other programs. A first line of JSON says that \
      it is ready, with the memory that was in use before it was loaded and since. Each line of standard input is then a number \
      of runs, which is answered by a line of JSON with their times in order and the median. Between them nothing is computed.
      """)

  @Argument(help: .model)
  var model: String

  @Option(help: .size)
  var size: SizeArgument?

  @OptionGroup var weights: WeightsOptions

  @Option(help: ArgumentHelp("An .npz file with the inputs, as `seg run` takes it.", valueName: "file"))
  var input: String?

  @Option(help: "The order of the axes of a named network's feature maps in that file.")
  var layout: ArrayLayout = .nhwc

  @Option(help: ArgumentHelp("Timed runs, after one that is not.", valueName: "count"))
  var rounds = 20

  @Flag(help: "Also list the time of each step, and what else each convolution could have run by.")
  var layers = false

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(help: "Time as many runs as each line of standard input says, and answer each with a line of JSON.")
  var serve = false

  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if rounds < 1 { throw ValidationError("--rounds is at least 1, not \(rounds)") }
    if serve, layers || json { throw ValidationError("--serve has its own answers: no --layers, no --json") }
  }

  /// The first line that `--serve` prints.
  private struct Readiness: Encodable {
    /// The time of building, compiling and the first run.
    let firstRunMilliseconds: Double
    /// The largest resident size of this process in bytes: before the network was read, and up to the first run.
    let baselineBytes, peakBytes: Int
  }

  /// The line that `--serve` prints for each request.
  private struct Turn: Encodable {
    let medianMilliseconds: Double
    /// The times of the runs, in order.
    let milliseconds: [Double]
  }

  private struct Report: Encodable {
    struct Layer: Encodable {
      let name: String
      let operation: String
      let algorithm: String
      let output: [Int]
      let milliseconds: Double
      /// The applicable algorithms, the chosen one first.
      let candidates: [Candidate]
    }
    struct Candidate: Encodable {
      let name: String
      let estimatedMilliseconds: Double
      let measuredMilliseconds: Double?
      let weightBytes: Int
      let workspaceBytes: Int
    }
    let model: String
    let backend: String
    /// The shapes of the inputs.
    let inputs: [[Int]]
    /// The extent of the first input, if it is an image.
    let height: Int?
    let width: Int?
    let threads: Int
    let rounds: Int
    let medianMilliseconds: Double
    let minimumMilliseconds: Double
    /// The time of building, compiling and the first run.
    let firstRunMilliseconds: Double
    let gigaflopsPerSecond: Double
    /// The memory of one run, without weights, inputs and outputs.
    let arenaBytes: Int
    /// The largest resident size of this process in bytes.
    let peakBytes: Int
    let layers: [Layer]?
  }

  func run() throws {
    let clock = ContinuousClock()
    let baseline = ResidentMemory.peak
    let backend = compute.backend
    let start = clock.now
    let network = try load(on: backend)
    let compiled = network.model
    try requireMemory(
      compiled.runByteCount, for: "--size: \(network.name) on \(compiled.inputs.map { "\($0.spec.shape)" }.joined())",
      .usage)
    let inputs = try inputs(of: compiled, named: network.name)
    var outputs = compiled.outputs.map { Tensor(zeros: $0.spec.shape, of: $0.spec.elementType) }
    let workspace = compiled.makeWorkspace()
    try compiled.run(inputs, into: &outputs, using: workspace)
    let first = (clock.now - start) / .milliseconds(1)

    func times(_ count: Int) throws -> [Double] {
      try (0..<count).map { _ in
        let start = clock.now
        try compiled.run(inputs, into: &outputs, using: workspace)
        return (clock.now - start) / .milliseconds(1)
      }
    }
    if serve {
      try printJSON(
        Readiness(firstRunMilliseconds: first, baselineBytes: baseline, peakBytes: ResidentMemory.peak), onOneLine: true
      )
      while let line = readLine() {
        guard let count = Int(line), count > 0 else {
          throw Failure(.badInput, "standard input: \(line) is no number of runs")
        }
        let milliseconds = try times(count)
        try printJSON(Turn(medianMilliseconds: milliseconds.median, milliseconds: milliseconds), onOneLine: true)
      }
      return
    }
    let milliseconds = try times(rounds)
    let report = Report(
      model: network.name, backend: backend.name, inputs: compiled.inputs.map(\.spec.shape.dimensions),
      height: network.extent?.height, width: network.extent?.width,
      threads: backend.workers.threadCount, rounds: rounds, medianMilliseconds: milliseconds.median,
      minimumMilliseconds: milliseconds.min()!,
      firstRunMilliseconds: first, gigaflopsPerSecond: Double(network.flops) / milliseconds.median / 1e6,
      arenaBytes: compiled.arenaByteCount, peakBytes: ResidentMemory.peak,
      layers: layers ? try profile(compiled, inputs) : nil)
    if json { return try printJSON(report) }
    try printText(report)
  }

  /// A compiled network, with the properties that the report shows.
  private struct Network {
    let name: String
    let model: CompiledModel
    /// The height and width of its first input, if that is an image.
    let extent: Extent2D?
    let flops: Int
  }

  /// Reads and compiles the network. The file and the graph are released.
  private func load(on backend: any Backend) throws -> Network {
    var graph: Graph?
    var parameters = Parameters()
    let name: String
    let extent: Extent2D?
    do {
      let source = try NetworkSource(model)
      try layout.require(for: source)
      name = source.name
      let made = try source.graph(for: size?.extent)
      parameters =
        try source.reportedParameters(weights.file, for: made) ?? Parameters(initializing: made, seed: 1)
      extent = made.inputs.first.flatMap { source.imageExtent(of: made[$0.value].spec.shape) }
      graph = made
    }
    let flops = try GraphSummary(graph!).total.flops
    let compiled = try Failure.about(weights.weights ?? model) {
      try graph.take()!.compiled(parameters: parameters, on: backend, options: compute.options(for: backend))
    }
    return Network(name: name, model: compiled, extent: extent, flops: flops)
  }

  /// Returns the arrays of the input file, or random ones.
  private func inputs(of compiled: CompiledModel, named name: String) throws -> [Tensor] {
    guard let input else {
      var generator = SeededGenerator(seed: 2)
      return compiled.inputs.map { port in
        Tensor(
          port.spec.shape,
          (0..<port.spec.shape.elementCount).map { _ in Float(generator.next() >> 40) * 0x1p-24 })
      }
    }
    let arrays = try inputArrays(input, for: compiled.inputs.map(\.name), layout: layout)
    return try compiled.inputs.map { port in
      guard let array = arrays[port.name] else { throw Failure(.badInput, "\(input): has no array \(port.name)") }
      guard array.shape == port.spec.shape else {
        throw Failure(
          .badInput, "\(input): \(port.name) is \(array.shape), \(name) takes \(port.spec.shape) here")
      }
      return array
    }
  }

  /// Measures the median time of each step over the rounds.
  private func profile(_ compiled: CompiledModel, _ inputs: [Tensor]) throws -> [Report.Layer] {
    var times = [[Double]](repeating: [], count: compiled.stepInfos.count)
    for _ in 0..<rounds {
      for (step, seconds) in try compiled.profile(inputs).enumerated() { times[step].append(seconds * 1000) }
    }
    return zip(compiled.stepInfos, times).map { info, times in
      .init(
        name: info.name, operation: info.operation, algorithm: info.algorithm, output: info.output.shape.dimensions,
        milliseconds: times.sorted()[times.count / 2],
        candidates: info.candidates.map {
          .init(
            name: $0.name, estimatedMilliseconds: 1000 * $0.estimatedSeconds,
            measuredMilliseconds: $0.measuredSeconds.map { 1000 * $0 }, weightBytes: $0.weightByteCount,
            workspaceBytes: $0.workspaceByteCount)
        })
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
    var table = TextTable(
      ["layer", "operator", "algorithm", "output", "ms", "chosen from (estimated or measured ms)"],
      leftAligned: [0, 1, 2, 3, 5])
    for layer in layers {
      let candidates = layer.candidates.count < 2 ? [] : layer.candidates
      table.add([
        layer.name, layer.operation, layer.algorithm, "\(Shape(layer.output))", layer.milliseconds.fixed(3),
        candidates.map { "\($0.name) \(($0.measuredMilliseconds ?? $0.estimatedMilliseconds).fixed(2))" }
          .joined(separator: ", "),
      ])
    }
    try printLine("\n" + table.text)
  }
}
