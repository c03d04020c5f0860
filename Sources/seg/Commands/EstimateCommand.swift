import ArgumentParser
import SegEngine
import SegIO
import SegModels
import SegTraining

/// The command `seg estimate`: estimates the time and memory of a network without running it.
struct EstimateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "estimate", abstract: "Tells how long a network takes and how much memory, without running it.",
    discussion: """
      The network is compiled without its weights; each step's time comes from the machine's profile (`seg calibrate`). The peak is \
      that of a process that holds the network's weights nowhere else.
      """)

  @Argument(help: .model)
  var model: String

  @Option(help: .size)
  var size: SizeArgument?

  @Option(help: .classes)
  var classes: Int?

  @Flag(help: "Also list the time of each step.")
  var layers = false

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(
    help: "The time and memory of a training step: forward pass, gradients, update; random labels, cross-entropy, SGD.")
  var training = false

  @Option(help: "Images of a training step.")
  var batch: Int?

  @Flag(help: "With the auxiliary heads of a training step, whose losses have the weight 0.5.")
  var auxiliary = false

  @Option(help: "Megabytes for the maps of a training step; unlimited by default.")
  var budget: Int?

  @OptionGroup var latency: LatencyOptions

  private struct Report: Encodable {
    struct Layer: Encodable {
      let name: String
      let operation: String
      let algorithm: String
      let output: [Int]
      let milliseconds: Double
      let macs: Int
      let workspaceBytes: Int
    }
    let model: String
    /// The shapes of the inputs.
    let inputs: [[Int]]
    let threads: Int
    let milliseconds: Double
    let gigaflopsPerSecond: Double
    let arenaBytes: Int
    let packedWeightBytes: Int
    let constantBytes: Int
    /// The memory including weights, arena, inputs, outputs and the process itself.
    let peakBytes: Int
    let layers: [Layer]?
    /// The bytes of weights and the optimiser's variables of a training step.
    var stateBytes: Int?
  }

  func validate() throws {
    guard !training else {
      if let batch, batch < 1 { throw ValidationError("a batch has images, not \(batch)") }
      if let budget, budget < 1 { throw ValidationError("a budget is positive, not \(budget)") }
      return
    }
    if batch != nil || auxiliary || budget != nil {
      throw ValidationError("--batch, --auxiliary and --budget belong to --training")
    }
  }

  func run() throws {
    let profile = try latency.latencyProfile()
    let backend = latency.backend(for: profile)
    let source = try NetworkSource(model, classes: classes)
    let options = CompileOptions(profile: profile.choice)
    if training, case .file = source {
      throw ValidationError("--training takes a network by name: the weights of a file are constants")
    }
    let graph = try source.graph(for: size?.extent, auxiliary: auxiliary)
    var stateBytes: Int?
    let plan = try Failure.about(model) {
      guard training else { return try graph.plan(on: backend, options: options) }
      let plan = try trainingPlan(graph, on: backend, options)
      stateBytes = plan.stateByteCount
      return plan.execution
    }
    let estimate = profile.estimate(plan)
    let flops = training ? plan.steps.reduce(0) { $0 + $1.cost.flops } : try GraphSummary(graph).total.flops
    let report = Report(
      model: source.name, inputs: plan.inputs.map(\.shape.dimensions), threads: plan.threads,
      milliseconds: 1000 * estimate.seconds, gigaflopsPerSecond: Double(flops) / max(estimate.seconds, 1e-12) / 1e9,
      arenaBytes: plan.arenaByteCount, packedWeightBytes: plan.packedWeightsByteCount,
      constantBytes: plan.constantByteCount, peakBytes: estimate.peakResidentByteCount + (stateBytes ?? 0),
      layers: !layers
        ? nil
        : zip(plan.steps, estimate.stepSeconds).map { step, seconds in
          .init(
            name: step.name, operation: step.operation, algorithm: step.algorithm, output: step.output.shape.dimensions,
            milliseconds: 1000 * seconds, macs: step.cost.macs, workspaceBytes: step.workspaceByteCount)
        }, stateBytes: stateBytes)
    if json { return try printJSON(report) }
    try printLine(
      "\(report.model) \(report.inputs.map { "\(Shape($0))" }.joined(separator: " ")), \(report.threads) thread(s)")
    try printLine(
      "about \(report.milliseconds.fixed(report.milliseconds < 10 ? 2 : 1)) ms, "
        + "\(report.gigaflopsPerSecond.fixed(0)) GFLOP/s")
    func megabytes(_ count: Int) -> String { (Double(count) / 1e6).fixed(1) + " MB" }
    try printLine(
      "arena \(megabytes(report.arenaBytes)), "
        + (stateBytes.map { "weights and optimiser \(megabytes($0)), " }
          ?? "packed weights \(megabytes(report.packedWeightBytes)), ")
        + "other constants "
        + "\(megabytes(report.constantBytes)), peak resident about \(megabytes(report.peakBytes))")
    guard let layers = report.layers else { return }
    var table = TextTable(["layer", "operator", "algorithm", "output", "ms", "share"], leftAligned: [0, 1, 2, 3])
    for layer in layers {
      table.add([
        layer.name, layer.operation, layer.algorithm, "\(Shape(layer.output))", layer.milliseconds.fixed(3),
        "\((100 * layer.milliseconds / max(report.milliseconds, 1e-9)).fixed(1)) %",
      ])
    }
    try printLine("\n" + table.text)
  }

  /// Plans a training step of cross-entropy and SGD.
  private func trainingPlan(
    _ graph: Graph, on backend: any Backend, _ options: CompileOptions
  ) throws -> TrainingPlan {
    try graph.trainingPlan(
      loss: AuxiliaryLoss(
        CrossEntropyLoss(), auxiliaryWeights: Array(repeating: 0.5, count: graph.outputs.count - 1)),
      optimizer: .sgd(decay: 1e-4), batch: batch ?? 1, memory: budget.map { .budget($0 * 1_000_000) } ?? .unlimited,
      options: TrainingOptions(compilation: options), on: backend)
  }
}
