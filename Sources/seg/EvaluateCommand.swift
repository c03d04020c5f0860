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

  @Option(help: "The directory of the images.")
  var images: String

  @Option(help: "The directory of the masks: PNG or TIFF, palette index or grey value is the label.")
  var masks: String

  @OptionGroup var model: ModelOptions

  @Option(help: "Compare at the size of the `image`, or of the `network`'s input (masks are brought there like images).")
  var resolution: Predictor.Resolution = .image

  @Option(
    help: "Write the images' probabilities at the network's size to this .npz file, named after the images.")
  var probabilities: String?

  @Flag(help: "Print JSON.")
  var json = false

  private struct Report: Encodable {
    struct Entry: Encodable {
      let name: String
      let iou: Double?
    }
    struct ClassEntry: Encodable {
      let label: Int
      let iou: Double?
    }
    let model: String
    let resolution: String
    let imageCount: Int
    /// Mean of the classes' IoU, from the confusion matrix summed over all images.
    let meanIou: Double?
    /// Mean over the images of the mean IoU of their foreground classes.
    let meanImageIou: Double?
    let pixelAccuracy: Double?
    let classes: [ClassEntry]
    let images: [Entry]
  }

  func run() throws {
    let description = try model.description
    let pairs = try ImageFiles.pairs(images: images, masks: masks)
    let predictor = try model.makePredictor()
    let isBinary = description.postprocessing != .argmax
    let ignored = isBinary ? nil : LabelMap.defaultIgnoreLabel
    var whole = ConfusionMatrix(classes: description.classes, ignoreLabel: ignored)
    var entries: [Report.Entry] = []
    var arrays: [String: Tensor] = [:]
    let bar = ProgressBar(total: pairs.count)
    for (index, pair) in pairs.enumerated() {
      bar.update(index)
      let image = try Image(contentsOf: pair.image)
      var mask = try LabelMap(contentsOf: pair.mask, reading: isBinary ? .nonZeroIsForeground : .storedValue)
      guard mask.width == image.width, mask.height == image.height else {
        throw Failure(
          .badInput,
          "\(pair.mask): has \(mask.width)×\(mask.height) pixels, its image \(image.width)×\(image.height)")
      }
      let prediction = try Failure.about(pair.image) { try predictor(image, at: resolution) }
      if resolution == .network {
        mask = predictor.networkMask(mask, fill: isBinary ? 0 : LabelMap.defaultIgnoreLabel)
      }
      var matrix = ConfusionMatrix(classes: description.classes, ignoreLabel: ignored)
      try Failure.about(pair.mask) { try matrix.add(prediction: prediction.labels, truth: mask) }
      entries.append(.init(name: pair.name, iou: matrix.meanIoU(over: 1..<description.classes)))
      whole.merge(matrix)
      if probabilities != nil {
        arrays[pair.name] = try Failure.about(pair.image) { try predictor.probabilities(of: prediction) }
      }
    }
    bar.finish()
    if let probabilities { try Failure.writing { try NPZ(arrays).write(to: probabilities) } }
    let known = entries.compactMap(\.iou)
    let report = Report(
      model: description.name, resolution: resolution.rawValue, imageCount: entries.count, meanIou: whole.meanIoU(),
      meanImageIou: known.isEmpty ? nil : known.reduce(0, +) / Double(known.count), pixelAccuracy: whole.pixelAccuracy,
      classes: (0..<whole.classes).map { .init(label: $0, iou: whole.iou($0)) }, images: entries)
    if json { try printJSON(report) } else { printText(report) }
  }

  private func printText(_ report: Report) {
    func percent(_ value: Double?) -> String { value.map { ($0 * 100).fixed(2) + " %" } ?? "–" }
    if report.imageCount <= 50 {
      var table = TextTable(["image", "IoU"])
      for entry in report.images { table.add([entry.name, percent(entry.iou)]) }
      print(table.text + "\n")
    }
    var table = TextTable(["class", "IoU"])
    for entry in report.classes { table.add(["\(entry.label)", percent(entry.iou)]) }
    table.add(["mean", percent(report.meanIou)])
    print(table.text)
    print("\nforeground, mean over \(report.imageCount) images: \(percent(report.meanImageIou))")
    print("pixel accuracy: \(percent(report.pixelAccuracy))")
  }
}
