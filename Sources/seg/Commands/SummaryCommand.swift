import ArgumentParser
import SegEngine
import SegIO
import SegModels

extension GraphAnalysis.CountingRule: ExpressibleByArgument {}

/// The command `seg summary`: shows a network's layers.
struct SummaryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "summary", abstract: "Lists a network's layers with output shapes, parameters and multiply–adds.",
    discussion:
      "Shapes are [batch, height, width, channels]. A multiply–add counts once; see the documentation of Cost.")

  @Argument(help: .model)
  var model: String

  @Option(help: .size)
  var size: SizeArgument?

  @Flag(
    help: """
      List the receptive field of each layer in the first input: extent, jump and offset in pixels, and whether it is global.
      """)
  var receptiveFields = false

  @Option(
    help: ArgumentHelp(
      "List blocks instead of layers: those whose names begin with the same so many parts.", valueName: "parts"))
  var blocks: Int?

  @Option(
    help: ArgumentHelp(
      "With --blocks, what counts as an operation: `torchvision` (multiplications of products) or `full` (everything).",
      valueName: "rule"))
  var rule: GraphAnalysis.CountingRule = .torchvision

  @Option(help: .classes)
  var classes: Int?

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    if let blocks, !(1...100).contains(blocks) { throw ValidationError("--blocks is 1 to 100, not \(blocks)") }
    if receptiveFields, blocks != nil { throw ValidationError("--blocks and --receptive-fields exclude each other") }
  }

  private struct FieldReport: Encodable {
    struct Field: Encodable {
      let size: [Int]
      let jump: [Double]
      let offset: [Double]
      let isGlobal: Bool

      init(_ field: ReceptiveField) {
        size = [field.height.size, field.width.size]
        jump = [field.height.jump, field.width.jump]
        offset = [field.height.offset, field.width.offset]
        isGlobal = field.isGlobal
      }
    }
    struct Layer: Encodable {
      let name: String
      let operation: String
      let attributes: String
      let outputShape: [Int]
      let field: Field?
    }
    let model: String
    let layers: [Layer]
  }

  private struct BlockReport: Encodable {
    struct Block: Encodable {
      let name: String
      let operators: String
      let operations: Int
      let parameters: Int
      let activationBytes: Int
      let bytesMoved: Int
      let intensity: Double

      init(_ entry: GraphAnalysis.Entry, _ rule: GraphAnalysis.CountingRule) {
        name = entry.name
        operators = entry.operation
        operations = entry.operations(rule)
        parameters = entry.cost.parameters
        activationBytes = entry.activationByteCount
        bytesMoved = entry.cost.bytesRead + entry.cost.bytesWritten
        intensity = entry.cost.arithmeticIntensity
      }
    }
    let model: String
    let rule: String
    let blocks: [Block]
    let total: Block
    let peakActivationBytes: Int
  }

  private func printReceptiveFields(_ source: NetworkSource) throws {
    let fields = try ReceptiveFields(try source.imageGraph(for: size?.extent))
    let report = FieldReport(
      model: source.name,
      layers: fields.layers.map {
        .init(
          name: $0.name, operation: $0.operation, attributes: $0.attributes, outputShape: $0.output.shape.dimensions,
          field: $0.field.map(FieldReport.Field.init))
      })
    if json { return try printJSON(report) }
    func number(_ value: Double) -> String {
      value == value.rounded() ? "\(Int(value))" : value.fixed(4).replacing(/0+$/, with: "")
    }
    func pair(_ values: [String]) -> String { values[0] == values[1] ? values[0] : "\(values[0])×\(values[1])" }
    var table = TextTable(["layer", "operator", "output", "field", "jump", "offset", ""], leftAligned: [0, 1, 2, 6])
    for layer in report.layers {
      guard let field = layer.field else { continue }
      table.add([
        layer.name, "\(layer.operation) \(layer.attributes)", "\(Shape(layer.outputShape))",
        pair(field.size.map(String.init)), pair(field.jump.map(number)), pair(field.offset.map(number)),
        field.isGlobal ? "global" : "",
      ])
    }
    try printLine(table.text)
  }

  private func printBlocks(_ source: NetworkSource, depth: Int) throws {
    let analysis = try GraphAnalysis(try source.graph(for: size?.extent))
    let report = BlockReport(
      model: source.name, rule: rule.rawValue, blocks: analysis.blocks(depth: depth).map { .init($0, rule) },
      total: .init(analysis.total, rule), peakActivationBytes: analysis.peakActivationByteCount)
    if json { return try printJSON(report) }
    var table = TextTable(
      ["block", "operators", rule == .full ? "FLOPs" : "MACs", "parameters", "activations", "moved", "FLOPs a byte"],
      leftAligned: [0, 1])
    func megabytes(_ bytes: Int) -> String { (Double(bytes) / 1e6).fixed(2) + " MB" }
    for block in report.blocks + [report.total] {
      table.add([
        block.name, block.operators, block.operations.grouped, block.parameters.grouped,
        megabytes(block.activationBytes), megabytes(block.bytesMoved), block.intensity.fixed(1),
      ])
    }
    try printLine(table.text)
    try printLine("\nalive at once at most: \(megabytes(report.peakActivationBytes)) of activations")
  }

  private struct Report: Encodable {
    struct Layer: Encodable {
      let name: String
      let operation: String
      let attributes: String
      let outputShape: [Int]
      let parameters: Int
      let macs: Int
    }
    let model: String
    let layers: [Layer]
    let parameters: Int
    let trainableParameters: Int
    let macs: Int
    let flops: Int
  }

  func run() throws {
    let source = try NetworkSource(model, classes: classes)
    if receptiveFields { return try printReceptiveFields(source) }
    if let blocks { return try printBlocks(source, depth: blocks) }
    let summary = try GraphSummary(try source.graph(for: size?.extent))
    let report = Report(
      model: source.name,
      layers: summary.layers.map {
        .init(
          name: $0.name, operation: $0.operation, attributes: $0.attributes,
          outputShape: $0.outputs[0].shape.dimensions,
          parameters: $0.cost.parameters, macs: $0.cost.macs)
      },
      parameters: summary.parameterCount, trainableParameters: summary.trainableParameterCount,
      macs: summary.total.macs,
      flops: summary.total.flops)
    if json { return try printJSON(report) }
    var table = TextTable(["layer", "operator", "output", "parameters", "MACs"], leftAligned: [0, 1, 2])
    for layer in report.layers {
      table.add([
        layer.name, "\(layer.operation) \(layer.attributes)", "\(Shape(layer.outputShape))", layer.parameters.grouped,
        layer.macs.grouped,
      ])
    }
    try printLine(table.text)
    try printLine(
      "\n\(report.trainableParameters.grouped) parameters (\(report.parameters.grouped) with running statistics), "
        + "\((Double(report.macs) / 1e9).fixed(3)) GMAC, \((Double(report.flops) / 1e9).fixed(3)) GFLOP")
  }
}
