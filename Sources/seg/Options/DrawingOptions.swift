import ArgumentParser
import Foundation
import SegEngine
import SegIO

/// The names and colours of classes, and how they are drawn.
struct DrawingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      The classes' colours: distinct, \(LabelColors.tableNames), or a text file of a line a class, as #rrggbb or red green blue from 0 to \
      255, with a name where there is one. By default those that the network states, or `distinct`.
      """, valueName: "name|file"))
  var palette: String?

  @Option(help: ArgumentHelp("A text file with the classes' names, a line a class.", valueName: "file"))
  var classNames: String?

  @Option(
    help: ArgumentHelp("The weight of the colours over the image, from 0 (only borders) to 1.", valueName: "share"))
  var opacity = 0.5

  @Flag(help: "Leave out the legend of classes, colours and shares of pixels.")
  var noLegend = false

  func validate() throws {
    guard (0...1).contains(opacity) else { throw ValidationError("--opacity is 0 to 1, not \(opacity)") }
  }

  /// The legend of pictures; `nil` for none.
  var legend: Legend? { noLegend ? nil : Legend() }

  /// Returns the names of `--class-names`, if it is given.
  func names() throws -> [String]? {
    guard let classNames else { return nil }
    let names = try lines(classNames).map { $0.trimmingCharacters(in: .whitespaces) }
    guard !names.isEmpty else { throw Failure(.badInput, "\(classNames): has no names") }
    return names
  }

  /// Whether `--palette` is a table of a data set.
  var isKnownTable: Bool { palette.map { LabelColors.byName[$0.lowercased()] != nil } ?? false }

  /// Returns the table of `--palette`; `nil` if it is not given, or is the default for drawing.
  func colors() throws -> LabelColors? {
    guard let palette, palette.lowercased() != Self.defaultName else { return nil }
    if let known = LabelColors.byName[palette.lowercased()] { return known }
    let suggestion = palette.suggestion(among: [Self.defaultName] + LabelColors.byName.keys.sorted())
    guard suggestion.isEmpty || FileSystem.exists(palette) else {
      throw Failure(.usage, "--palette: there is no palette and no file named \(palette)\(suggestion)")
    }
    return try LabelColors(contentsOf: palette)
  }

  /// Returns the names and colours of classes: those of the options, or else those of the network.
  ///
  /// Names of a table are used only if there is one for each class.
  ///
  /// - Parameters:
  ///   - classes: The number of classes; `nil` if it is unknown.
  ///   - source: What has the classes, for messages.
  ///   - network: The names and colours that the network states.
  func classList(of classes: Int?, _ source: String, network: ClassList? = nil) throws -> ClassList {
    let (names, colors) = (try names(), try colors())
    if let names, let classes, names.count != classes {
      throw Failure(.badInput, "\(source) has \(classes) classes, --class-names \(names.count) names")
    }
    let tableNames = colors?.names.flatMap { classes == nil || $0.count == classes ? $0 : nil }
    let palette = colors?.palette ?? (self.palette == nil ? network?.palette : nil) ?? .distinct
    return ClassList(names: names ?? tableNames ?? network?.names ?? [], palette: palette)
  }

  private static let defaultName = "distinct"

  /// Returns the lines of a text file without empty lines at its end.
  private func lines(_ path: String) throws -> [String] {
    guard let text = String(validating: try FileSystem.contents(of: path), as: UTF8.self) else {
      throw Failure(.badInput, "\(path): is no UTF-8 text")
    }
    var lines = text.replacingOccurrences(of: "\r\n", with: "\n").components(separatedBy: "\n")
    while lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }
}

extension LabelColors {
  /// The names of tables that `--palette` accepts.
  fileprivate static var tableNames: String { byName.keys.sorted().joined(separator: ", ") }
}
