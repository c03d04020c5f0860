import ArgumentParser
import SegEngine
import SegModels

/// `seg models`: the networks that can be made by name.
struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "models", abstract: "Lists the networks.")

  @Flag(help: "Print JSON.")
  var json = false

  private struct Entry: Encodable {
    let name: String
    let summary: String
    let height: Int
    let width: Int
    let classes: Int
    let parameters: Int
    let macs: Int
  }

  func run() throws {
    let entries = try ModelRegistry.all.map { model in
      let summary = try GraphSummary(try model.makeGraph(model.defaultSize))
      return Entry(
        name: model.name, summary: model.summary, height: model.defaultSize.height, width: model.defaultSize.width,
        classes: model.classes, parameters: summary.trainableParameterCount, macs: summary.total.macs)
    }
    if json { return try printJSON(entries) }
    var table = TextTable(["network", "input", "classes", "parameters", "GMAC", "description"], leftAligned: [0, 5])
    for entry in entries {
      table.add([
        entry.name, "\(entry.height)×\(entry.width)", "\(entry.classes)", entry.parameters.grouped,
        (Double(entry.macs) / 1e9).fixed(3), entry.summary,
      ])
    }
    try printLine(table.text)
  }
}
