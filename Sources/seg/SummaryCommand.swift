import ArgumentParser
import SegEngine
import SegModels

/// `seg summary`: a network's layers.
struct SummaryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "summary", abstract: "Lists a network's layers with output shapes, parameters and multiply–adds.",
    discussion:
      "Shapes are [batch, height, width, channels]. A multiply–add counts once; see the documentation of Cost.")

  @Argument(help: .model)
  var model: String

  @Option(help: .size)
  var size: SizeArgument?

  @Option(help: .classes)
  var classes: Int?

  @Flag(help: "Print JSON.")
  var json = false

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
    let summary = try GraphSummary(try source.graph(for: size))
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
