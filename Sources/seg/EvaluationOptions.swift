import ArgumentParser
import Foundation
import SegEngine
import SegModels

/// Which classes there are, how they are called and drawn, and how masks hold them.
struct EvaluationClassOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Number of classes of --predictions; by default that of the names, or the largest label and one.",
      valueName: "count"))
  var classes: Int?

  @Option(help: ArgumentHelp("A text file with the classes' names, a line a class.", valueName: "file"))
  var classNames: String?

  @Option(
    help: ArgumentHelp(
      "A text file with the classes' colours for --html, a line a class: #rrggbb, or red green blue from 0 to 255.",
      valueName: "file"))
  var palette: String?

  @Option(
    help: ArgumentHelp(
      "Labels in masks that count for nothing, as 0,255, or `none`.", valueName: "labels"))
  var ignore: LabelList?

  @Flag(help: "Labels that are not 0 are foreground.")
  var binary = false

  func validate() throws {
    if let classes, !(1...65535).contains(classes) {
      throw ValidationError("--classes is 1 to 65535, not \(classes)")
    }
  }

  /// How masks become labels. By default label 255 is ignored where there are several classes.
  func maskReading(isBinary: Bool) -> MaskReading {
    MaskReading(isBinary: isBinary, ignored: ignore?.labels ?? (isBinary ? [] : [LabelMap.defaultIgnoreLabel]))
  }

  /// The names, where there are any.
  func names() throws -> [String]? {
    guard let classNames else { return nil }
    let names = try lines(classNames).map { $0.trimmingCharacters(in: .whitespaces) }
    guard !names.isEmpty else { throw Failure(.badInput, "\(classNames): has no names") }
    return names
  }

  /// The colours.
  func colors() throws -> Palette {
    guard let palette else { return .pascalVOC }
    let colors = try lines(palette).enumerated().map { index, line in
      guard let color = Self.color(line) else {
        throw Failure(.badInput, "\(palette): line \(index + 1) is no colour: \(line)")
      }
      return color
    }
    guard (1...256).contains(colors.count) else {
      throw Failure(.badInput, "\(palette): has \(colors.count) colours, not 1 to 256")
    }
    return Palette(colors)
  }

  private static func color(_ line: String) -> Palette.Color? {
    let text = line.trimmingCharacters(in: .whitespaces)
    if text.hasPrefix("#"), text.count == 7, let value = UInt32(text.dropFirst(), radix: 16) {
      return Palette.Color(UInt8(value >> 16), UInt8(value >> 8 & 255), UInt8(value & 255))
    }
    let parts = text.split { $0 == " " || $0 == "," || $0 == "\t" }.map { UInt8($0) }
    guard parts.count == 3, let red = parts[0], let green = parts[1], let blue = parts[2] else { return nil }
    return Palette.Color(red, green, blue)
  }

  /// The lines of a text file but for empty ones at its end.
  private func lines(_ path: String) throws -> [String] {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.unreadableInput, "\(path): cannot be read")
    }
    guard let text = String(data: data, encoding: .utf8) else { throw Failure(.badInput, "\(path): is no UTF-8 text") }
    var lines = text.replacingOccurrences(of: "\r\n", with: "\n").components(separatedBy: "\n")
    while lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }
}

/// Labels on the command line, as `0,255`, or `none`.
struct LabelList: ExpressibleByArgument {
  let labels: [UInt16]

  init?(argument: String) {
    if argument == "none" {
      labels = []
      return
    }
    let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { UInt16($0) }
    guard !numbers.contains(nil) else { return nil }
    labels = numbers.compactMap { $0 }
  }
}

/// Whole numbers on the command line, as `1,3,5`.
struct WidthList: ExpressibleByArgument {
  let widths: [Int]

  init?(argument: String) {
    let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.allSatisfy({ $0.map { (1...100_000).contains($0) } ?? false }) else { return nil }
    widths = numbers.compactMap { $0 }
  }
}

/// A tolerance on the command line: `2` pixels, or `0.75%` of the image's diagonal.
struct ToleranceArgument: ExpressibleByArgument {
  let tolerance: BoundaryTolerance

  init?(argument: String) {
    let isShare = argument.hasSuffix("%")
    guard let number = Double(isShare ? String(argument.dropLast()) : argument), number >= 0, number.isFinite else {
      return nil
    }
    tolerance = isShare ? .diagonalShare(number / 100) : .pixels(number)
  }
}

/// How far apart pixels are, on the command line: `0.5`, or height and width as `0.5x0.7`.
struct SpacingArgument: ExpressibleByArgument {
  let spacing: PixelSpacing

  init?(argument: String) {
    let parts = argument.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "x" || $0 == "×" })
      .map { Double($0) }
    guard (1...2).contains(parts.count), let vertical = parts[0], let horizontal = parts[parts.count - 1], vertical > 0,
      horizontal > 0, vertical.isFinite, horizontal.isFinite
    else { return nil }
    spacing = PixelSpacing(vertical: vertical, horizontal: horizontal)
  }
}

/// The conventions of the figures that have several.
struct EvaluationConventions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How far boundary pixels may be apart and still match: pixels, or a share of the diagonal; by default 0.75%.",
      valueName: "distance"))
  var boundaryTolerance: ToleranceArgument?

  @Option(
    help: ArgumentHelp(
      "Widths in pixels of the bands around true boundaries, by default 1,3,5,10.", valueName: "pixels"))
  var trimapWidths: WidthList?

  @Option(
    help: ArgumentHelp(
      "How far pixels are apart, as 0.5, or 0.5x0.7 for rows and columns; distances are in that unit.",
      valueName: "length"))
  var spacing: SpacingArgument?

  @Option(
    help: ArgumentHelp(
      """
      What distances are where only one of mask and prediction has a class: `infinite`, the image's `diagonal`, or `refused`.
      """, valueName: "choice"))
  var emptyMasks = EmptyMasksArgument.infinite

  enum EmptyMasksArgument: String, ExpressibleByArgument, CaseIterable {
    case infinite, diagonal, refused
  }

  func options(ignoring ignoreLabel: UInt16?) -> SegmentationMetrics.Options {
    var options = SegmentationMetrics.Options(ignoreLabel: ignoreLabel)
    if let boundaryTolerance { options.boundaryTolerance = boundaryTolerance.tolerance }
    if let trimapWidths { options.trimapWidths = trimapWidths.widths }
    if let spacing { options.spacing = spacing.spacing }
    options.emptyMasks =
      switch emptyMasks {
      case .infinite: .infinite
      case .diagonal: .imageDiagonal
      case .refused: .refused
      }
    return options
  }
}
