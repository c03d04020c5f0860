import ArgumentParser
import SegEngine
import SegIO
import SegModels

/// The classes and their labels in masks.
struct EvaluationClassOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Number of classes of --predictions; by default that of the names, or the largest label and one.",
      valueName: "count"))
  var classes: Int?

  @Option(
    help: ArgumentHelp(
      """
      Labels that count for nothing, as masks store them: 0,255, or `none`. By default 255, and none with --binary. Negative numbers \
      and 65535 never count.
      """, valueName: "labels"))
  var ignore: LabelList?

  @Flag(help: "Labels that are not 0 are foreground, such as 255.")
  var binary = false

  @Flag(help: "Label 0 of masks counts for nothing and classes begin at 1, as in ADE20K: class 0 is stored as 1.")
  var reduceZeroLabel = false

  func validate() throws {
    if let classes, !(1...65535).contains(classes) {
      throw ValidationError("--classes is 1 to 65535, not \(classes)")
    }
    guard !binary || !reduceZeroLabel else {
      throw ValidationError("--binary and --reduce-zero-label exclude each other")
    }
  }

  /// Returns the conversion of masks to labels. The colours of label images are those of the drawing options.
  func maskReading(isBinary: Bool, _ drawing: DrawingOptions) throws -> MaskReading {
    guard !isBinary || !reduceZeroLabel else {
      throw Failure(.usage, "--reduce-zero-label is for masks of several classes, and the network has one logit")
    }
    // The built-in colour tables count classes from 0, so their colours need no reduction. With --reduce-zero-label, labels are read as
    // numbers instead.
    let colors = reduceZeroLabel && drawing.isKnownTable ? nil : try drawing.colors()
    return MaskReading(
      isBinary: isBinary, ignored: ignore?.labels, reducesZeroLabel: reduceZeroLabel, colors: colors)
  }
}

/// Labels on the command line, such as `0,255`, or `none`.
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

/// Integers on the command line, such as `1,3,5`.
struct WidthList: ExpressibleByArgument {
  let widths: [Int]

  init?(argument: String) {
    let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.allSatisfy({ $0.map { (1...100_000).contains($0) } ?? false }) else { return nil }
    widths = numbers.compactMap { $0 }
    guard widths.count < 255 else { return nil }
  }
}

/// A tolerance on the command line: `2` for pixels, or `0.75%` of the image's diagonal.
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

/// The distance of pixels on the command line: `0.5`, or height and width such as `0.5x0.7`.
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

/// The conventions of metrics that have several definitions.
struct EvaluationConventions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      The figures, by default all: iou, dice, precision, recall; boundary-f1, boundary-iou, trimap, or `boundary` for these three; \
      assd, hausdorff, hd95, or `distances`. Accuracies and the confusion matrix are always given.
      """, valueName: "names"), transform: FigureList.init(parsing:))
  var metrics = FigureList.all

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
    options.measures = metrics.measures
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
