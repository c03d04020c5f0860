import ArgumentParser
import SegEngine
import SegIO
import SegModels

/// The command `seg models`: lists the networks that can be made by name.
struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "Lists the networks.",
    discussion: """
      Parameters are those that training changes, multiply–adds (MACs) those of one image of the stated size; auxiliary heads, \
      which training alone needs, are not counted. Strides are those of the encoder's feature maps, the receptive field is that of its last one in pixels, or \
      the whole image.
      """)

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(help: "Print the table of the README.")
  var markdown = false

  func validate() throws {
    if json && markdown { throw ValidationError("--json and --markdown exclude each other") }
  }

  private struct Entry: Encodable {
    let family: String
    let name: String
    let summary: String
    let height: Int
    let width: Int
    let classes: Int
    let parameters: Int
    let macs: Int
    let strides: [Int]
    /// The receptive field along the height; `nil` if it is the whole image.
    let receptiveField: Int?
    let auxiliaryOutputs: [String]
    /// Whether its weights are part of the program.
    let hasWeights: Bool

    init(_ family: ModelFamily, _ model: ModelDescription) throws {
      let summary = try GraphSummary(try model.makeGraph(model.defaultSize))
      self.family = family.name
      name = model.name
      self.summary = model.summary
      (height, width) = (model.defaultSize.height, model.defaultSize.width)
      classes = model.classes
      parameters = summary.trainableParameterCount
      macs = summary.total.macs
      strides = model.network.features.map(\.stride)
      receptiveField = try model.network.receptiveFieldOfEncoder()
      auxiliaryOutputs = model.network.auxiliaryOutputs
      hasWeights = BundledWeights.networks.contains(model.name)
    }

    /// The description, with a note if there are weights.
    var note: String { hasWeights ? "\(summary); weights in the program" : summary }

    /// The cells that both tables have.
    var cells: [String] {
      [
        "\(height)×\(width)", parameters.grouped, (Double(macs) / 1e9).fixed(3),
        strides.map(String.init).joined(separator: " "), receptiveField.map(String.init) ?? "image",
      ]
    }
  }

  func run() throws {
    let families = try ModelRegistry.families.map { family in
      (name: family.name, entries: try family.models.map { try Entry(family, $0) })
    }
    if json { return try printJSON(families.flatMap(\.entries)) }
    if markdown {
      try printLine("| family | network | input | parameters | GMAC | strides | receptive field | description |")
      try printLine("|---|---|---|--:|--:|---|--:|---|")
      for (name, entries) in families {
        for (index, entry) in entries.enumerated() {
          let cells = [index == 0 ? name : "", "`\(entry.name)`"] + entry.cells + [entry.note]
          try printLine("| " + cells.joined(separator: " | ") + " |")
        }
      }
      return
    }
    var table = TextTable(
      ["network", "family", "classes", "input", "parameters", "GMAC", "strides", "receptive field", "description"],
      leftAligned: [0, 1, 6, 8])
    for (name, entries) in families {
      for entry in entries {
        table.add([entry.name, name, "\(entry.classes)"] + entry.cells + [entry.note])
      }
    }
    try printLine(table.text)
  }
}
