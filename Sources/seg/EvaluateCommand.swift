import ArgumentParser
import SegEngine
import SegIO
import SegModels

extension Predictor.Resolution: ExpressibleByArgument {}

/// `seg evaluate`: how well a network segments images whose masks are known.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Compares a network's segmentations with masks.",
    discussion: """
      An image and its mask have the same path below their directories but for the ending and for directories named `images` or \
      `masks`; both options may name one directory that holds such directories. Classes that occur in neither prediction nor \
      mask are left out of means. Masks of a network of one logit count as foreground where they are not 0; label 255 is \
      ignored otherwise.
      """)

  @Option(help: ArgumentHelp("The directory of the images.", valueName: "directory"))
  var images: String

  @Option(
    help: ArgumentHelp(
      "The directory of the masks: PNG or TIFF, palette index or grey value is the label.", valueName: "directory"))
  var masks: String

  @OptionGroup var model: ModelOptions

  @Option(
    help: "Compare at the size of the `image`, or of the `network`'s input (masks are brought there like images).")
  var resolution: Predictor.Resolution = .image

  @Option(
    help: ArgumentHelp(
      "Write the images' probabilities at the network's size to this .npz file, named after the images.",
      valueName: "file"))
  var probabilities: String?

  @Flag(help: "Print JSON.")
  var json = false

  private struct Report: Encodable {
    struct Entry: Encodable {
      let name: String
      let iou: OptionalNumber
    }
    struct ClassEntry: Encodable {
      let label: Int
      let iou: OptionalNumber
    }
    let model: String
    let resolution: String
    let imageCount: Int
    /// Mean of the classes' IoU, from the confusion matrix summed over all images.
    let meanIou: OptionalNumber
    /// Mean over the images of the mean IoU of their foreground classes.
    let meanImageIou: OptionalNumber
    let pixelAccuracy: OptionalNumber
    let classes: [ClassEntry]
    let images: [Entry]
  }

  func run() throws {
    let description = try model.description
    if let probabilities { try ImageFiles.requirePlace(for: probabilities) }
    let pairs = try ImageFiles.pairs(images: images, masks: masks)
    let predictor = try model.makePredictor()
    let isBinary = description.postprocessing != .argmax
    let ignored = isBinary ? nil : LabelMap.defaultIgnoreLabel
    var whole = ConfusionMatrix(classes: description.classes, ignoreLabel: ignored)
    var entries: [Report.Entry] = []
    var arrays: [String: Tensor] = [:]
    var scores: [Double] = []
    let bar = ProgressBar(total: pairs.count)
    defer { bar.finish() }
    for (index, pair) in pairs.enumerated() {
      bar.update(index)
      let image = try Image(contentsOf: pair.image)
      var mask = try LabelMap(contentsOf: pair.mask, reading: isBinary ? .nonZeroIsForeground : .storedValue)
      guard mask.width == image.width, mask.height == image.height else {
        throw Failure(
          .badInput,
          "\(pair.mask): has \(mask.width)×\(mask.height) pixels, its image \(image.width)×\(image.height)")
      }
      let prediction = try predictor.prediction(for: image, of: pair.image, at: resolution)
      if resolution == .network {
        mask = predictor.networkMask(mask, fill: isBinary ? 0 : LabelMap.defaultIgnoreLabel)
      }
      var matrix = ConfusionMatrix(classes: description.classes, ignoreLabel: ignored)
      try Failure.about(pair.mask) { try matrix.add(prediction: prediction.labels, truth: mask) }
      let score = matrix.meanIoU(over: 1..<description.classes)
      if let score { scores.append(score) }
      entries.append(.init(name: pair.name, iou: OptionalNumber(score)))
      whole.merge(matrix)
      if probabilities != nil {
        arrays[pair.name] = try Failure.about(pair.image) { try predictor.probabilities(of: prediction) }
      }
    }
    bar.finish()
    if let probabilities { try Failure.writing { try NPZ(arrays).write(to: probabilities) } }
    let report = Report(
      model: description.name, resolution: resolution.rawValue, imageCount: entries.count,
      meanIou: OptionalNumber(whole.meanIoU()),
      meanImageIou: OptionalNumber(scores.isEmpty ? nil : scores.reduce(0, +) / Double(scores.count)),
      pixelAccuracy: OptionalNumber(whole.pixelAccuracy),
      classes: (0..<whole.classes).map { .init(label: $0, iou: OptionalNumber(whole.iou($0))) }, images: entries)
    if json { try printJSON(report) } else { try printText(report) }
  }

  private func printText(_ report: Report) throws {
    func percent(_ number: OptionalNumber) -> String { number.value.map { ($0 * 100).fixed(2) + " %" } ?? "–" }
    if report.imageCount <= 50 {
      var table = TextTable(["image", "IoU"])
      for entry in report.images { table.add([entry.name, percent(entry.iou)]) }
      try printLine(table.text + "\n")
    }
    var table = TextTable(["class", "IoU"])
    for entry in report.classes { table.add(["\(entry.label)", percent(entry.iou)]) }
    table.add(["mean", percent(report.meanIou)])
    try printLine(table.text)
    try printLine("\nforeground, mean over \(report.imageCount) images: \(percent(report.meanImageIou))")
    try printLine("pixel accuracy: \(percent(report.pixelAccuracy))")
  }
}
