import Foundation
import SegModels

/// The figures of `seg evaluate` as they are printed: JSON, text, comma-separated values.
struct EvaluationReport: Encodable {
  struct ImageEntry: Encodable {
    let name: String
    let iou: OptionalNumber
    let pixelAccuracy: OptionalNumber
  }

  /// The figures of a class, or their means over the classes that have them.
  struct Figures: Encodable {
    let iou, dice, precision, recall: OptionalNumber
    /// F₁, precision and recall of the boundary.
    let boundaryF1, boundaryPrecision, boundaryRecall: OptionalNumber
    let boundaryIou: OptionalNumber
    /// Average symmetric surface distance, Hausdorff distance, and its 95 % percentile.
    let averageSurfaceDistance, hausdorff, hausdorff95: OptionalNumber
  }

  struct ClassEntry: Encodable {
    let label: Int
    let name: String
    /// Pixels of the masks, and of the predictions.
    let truthPixels, predictedPixels: Int
    let figures: Figures

    private enum Keys: String, CodingKey { case label, name, truthPixels, predictedPixels }

    /// All in one object.
    func encode(to encoder: any Encoder) throws {
      try figures.encode(to: encoder)
      var container = encoder.container(keyedBy: Keys.self)
      try container.encode(label, forKey: .label)
      try container.encode(name, forKey: .name)
      try container.encode(truthPixels, forKey: .truthPixels)
      try container.encode(predictedPixels, forKey: .predictedPixels)
    }
  }

  struct Band: Encodable {
    let width: Int
    let meanIou, pixelAccuracy: OptionalNumber
  }

  let model: String
  let resolution: String
  let imageCount: Int
  /// Mean of the classes' IoU, from the confusion matrix summed over all images.
  let meanIou: OptionalNumber
  /// Mean over the images of the mean IoU of their foreground classes.
  let meanImageIou: OptionalNumber
  let pixelAccuracy: OptionalNumber
  let meanClassAccuracy: OptionalNumber
  let frequencyWeightedIou: OptionalNumber
  /// Means over the classes.
  let mean: Figures
  let classes: [ClassEntry]
  /// In bands around the true boundaries.
  let trimap: [Band]
  /// Pixels by true class, and in each row by predicted class.
  let confusion: [[Int]]
  let images: [ImageEntry]

  init(_ evaluation: Evaluation, model: String, resolution: String, names: [String]) {
    let metrics = evaluation.metrics
    let matrix = metrics.confusion
    let labels = Array(0..<metrics.classes)
    func surface(_ label: Int) -> SurfaceMetrics.Entry { metrics.surfaces.entries[label] }
    /// The columns of figures: each by class.
    let values: [(Int) -> Double?] =
      ClassRatio.allCases.map { ratio in { matrix.value(ratio, of: $0) } } + [
        { metrics.boundaryF1.value(of: $0) }, { metrics.boundaryF1.precision($0) }, { metrics.boundaryF1.recall($0) },
        { metrics.boundaryIoU.value(of: $0) }, { surface($0).averageSymmetric }, { surface($0).hausdorff },
        { surface($0).hausdorff95 },
      ]
    func mean(_ values: [Double?]) -> Double? {
      let defined = values.compactMap { $0 }
      return defined.isEmpty ? nil : defined.reduce(0, +) / Double(defined.count)
    }
    self.model = model
    self.resolution = resolution
    imageCount = evaluation.scores.count
    meanIou = OptionalNumber(matrix.meanIoU())
    meanImageIou = OptionalNumber(mean(evaluation.scores.map(\.iou)))
    pixelAccuracy = OptionalNumber(matrix.pixelAccuracy)
    meanClassAccuracy = OptionalNumber(matrix.meanClassAccuracy)
    frequencyWeightedIou = OptionalNumber(matrix.frequencyWeightedIoU)
    self.mean = Figures(values.map { value in mean(labels.map(value)) })
    classes = labels.map { label in
      ClassEntry(
        label: label, name: label < names.count ? names[label] : "\(label)", truthPixels: matrix.truthCount(label),
        predictedPixels: matrix.predictionCount(label), figures: Figures(values.map { $0(label) }))
    }
    trimap = zip(metrics.trimap.widths, metrics.trimap.matrices).map {
      Band(width: $0, meanIou: OptionalNumber($1.meanIoU()), pixelAccuracy: OptionalNumber($1.pixelAccuracy))
    }
    confusion = labels.map { Array(matrix.counts[$0 * metrics.classes..<($0 + 1) * metrics.classes]) }
    images = evaluation.scores.map {
      ImageEntry(name: $0.name, iou: OptionalNumber($0.iou), pixelAccuracy: OptionalNumber($0.pixelAccuracy))
    }
  }

  /// A share as a percentage, or a dash.
  static func percent(_ number: OptionalNumber) -> String { number.value.map { ($0 * 100).fixed(2) + " %" } ?? "–" }

  /// A distance, or a dash.
  static func distance(_ number: OptionalNumber) -> String {
    number.value.map { $0.isInfinite ? "∞" : $0.fixed(2) } ?? "–"
  }

  /// The figures for reading.
  var text: String {
    var parts: [String] = []
    if imageCount <= 50 {
      var table = TextTable(["image", "IoU"])
      for entry in images { table.add([entry.name, Self.percent(entry.iou)]) }
      parts.append(table.text + "\n")
    }
    var table = TextTable(["class"] + Figures.titles)
    for entry in classes { table.add([entry.name] + entry.figures.texts) }
    table.add(["mean"] + mean.texts)
    parts.append(table.text)
    parts.append("\nforeground, mean over \(imageCount) images: \(Self.percent(meanImageIou))")
    parts.append("pixel accuracy: \(Self.percent(pixelAccuracy))")
    parts.append("mean class accuracy: \(Self.percent(meanClassAccuracy))")
    parts.append("frequency-weighted IoU: \(Self.percent(frequencyWeightedIou))")
    if !trimap.isEmpty {
      var table = TextTable(["near boundaries", "mean IoU", "accuracy"])
      for band in trimap {
        table.add(["\(band.width) px", Self.percent(band.meanIou), Self.percent(band.pixelAccuracy)])
      }
      parts.append("\n" + table.text)
    }
    return parts.joined(separator: "\n")
  }

  /// A line a class and one of the means, after RFC 4180 but for the ends of lines.
  var csv: String {
    func field(_ text: String) -> String {
      text.contains { $0 == "," || $0 == "\"" || $0.isNewline } ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
    }
    func line(_ label: String, _ name: String, _ truth: Int, _ predicted: Int, _ figures: Figures) -> String {
      ([label, field(name), "\(truth)", "\(predicted)"] + figures.numbers.map { $0.value.map { "\($0)" } ?? "" })
        .joined(separator: ",")
    }
    let header = (["label", "name", "truth_pixels", "predicted_pixels"] + Figures.keys).joined(separator: ",")
    let total = (classes.reduce(0) { $0 + $1.truthPixels }, classes.reduce(0) { $0 + $1.predictedPixels })
    return
      ([header] + classes.map { line("\($0.label)", $0.name, $0.truthPixels, $0.predictedPixels, $0.figures) }
      + [line("", "mean", total.0, total.1, mean)]).joined(separator: "\n")
  }
}

extension EvaluationReport.Figures {
  /// The figures in the order of ``keys``.
  fileprivate init(_ values: [Double?]) {
    let numbers = values.map { OptionalNumber($0) }
    self.init(
      iou: numbers[0], dice: numbers[1], precision: numbers[2], recall: numbers[3], boundaryF1: numbers[4],
      boundaryPrecision: numbers[5], boundaryRecall: numbers[6], boundaryIou: numbers[7],
      averageSurfaceDistance: numbers[8], hausdorff: numbers[9], hausdorff95: numbers[10])
  }

  /// All figures.
  var numbers: [OptionalNumber] {
    [
      iou, dice, precision, recall, boundaryF1, boundaryPrecision, boundaryRecall, boundaryIou, averageSurfaceDistance,
      hausdorff, hausdorff95,
    ]
  }

  static let keys = [
    "iou", "dice", "precision", "recall", "boundary_f1", "boundary_precision", "boundary_recall", "boundary_iou",
    "average_surface_distance", "hausdorff", "hausdorff95",
  ]

  /// The columns of tables.
  static let titles = [
    "IoU", "Dice", "precision", "recall", "boundary F1", "boundary IoU", "ASSD", "Hausdorff", "HD95",
  ]

  /// What tables show below ``titles``.
  var texts: [String] {
    [iou, dice, precision, recall, boundaryF1, boundaryIou].map(EvaluationReport.percent)
      + [averageSurfaceDistance, hausdorff, hausdorff95].map(EvaluationReport.distance)
  }
}
