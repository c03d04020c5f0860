import Foundation
import SegModels

/// The results of `seg evaluate` for printing as JSON, text, or comma-separated values.
struct EvaluationReport: Encodable {
  struct ImageEntry: Encodable {
    let name: String
    let iou: OptionalNumber
    let pixelAccuracy: OptionalNumber
  }

  /// The requested metrics of a class, or their means over the classes for which they are defined.
  struct Figures: Encodable {
    let entries: [(figure: EvaluationFigure, number: OptionalNumber)]

    /// Returns a metric; `nil` if it was not requested.
    subscript(figure: EvaluationFigure) -> OptionalNumber? { entries.first { $0.figure == figure }?.number }

    private struct Key: CodingKey {
      let stringValue: String
      var intValue: Int? { nil }

      init(stringValue: String) { self.stringValue = stringValue }

      init?(intValue: Int) { nil }
    }

    /// Encodes each metric under its key.
    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      for (figure, number) in entries { try container.encode(number, forKey: Key(stringValue: figure.key)) }
    }
  }

  struct ClassEntry: Encodable {
    let label: Int
    let name: String
    /// The numbers of pixels in the masks and in the predictions.
    let truthPixels, predictedPixels: Int
    let figures: Figures

    private enum Keys: String, CodingKey { case label, name, truthPixels, predictedPixels }

    /// Encodes all properties in one object.
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
  /// The mean of the classes' IoU, from the confusion matrix summed over all images.
  let meanIou: OptionalNumber
  /// The mean over the images of the mean IoU of their foreground classes.
  let meanImageIou: OptionalNumber
  let pixelAccuracy: OptionalNumber
  let meanClassAccuracy: OptionalNumber
  let frequencyWeightedIou: OptionalNumber
  /// The means over the classes.
  let mean: Figures
  let classes: [ClassEntry]
  /// The metrics in bands around the true boundaries.
  let trimap: [Band]
  /// The confusion matrix in pixels: rows are true classes, columns predicted classes.
  let confusion: [[Int]]
  let images: [ImageEntry]
  /// The assumptions about the network.
  let assumptions: [String]
  /// The warnings about the files.
  let warnings: [String]

  init(
    _ evaluation: Evaluation, _ figures: [EvaluationFigure], model: String, resolution: String, names: [String],
    assumptions: [String], warnings: [String]
  ) {
    let metrics = evaluation.metrics
    let matrix = metrics.confusion
    let labels = Array(0..<metrics.classes)
    func mean(_ values: [Double?]) -> Double? {
      let defined = values.compactMap { $0 }
      return defined.isEmpty ? nil : defined.reduce(0, +) / Double(defined.count)
    }
    /// Returns the metrics with the numbers of `value`.
    func entries(_ value: (EvaluationFigure) -> Double?) -> Figures {
      Figures(entries: figures.map { ($0, OptionalNumber(value($0))) })
    }
    self.model = model
    self.assumptions = assumptions
    self.warnings = warnings
    self.resolution = resolution
    imageCount = evaluation.scores.count
    meanIou = OptionalNumber(matrix.meanIoU())
    meanImageIou = OptionalNumber(mean(evaluation.scores.map(\.iou)))
    pixelAccuracy = OptionalNumber(matrix.pixelAccuracy)
    meanClassAccuracy = OptionalNumber(matrix.meanClassAccuracy)
    frequencyWeightedIou = OptionalNumber(matrix.frequencyWeightedIoU)
    self.mean = entries { figure in mean(labels.map { figure.value(of: $0, in: metrics) }) }
    classes = labels.map { label in
      ClassEntry(
        label: label, name: label < names.count ? names[label] : "\(label)", truthPixels: matrix.truthCount(label),
        predictedPixels: matrix.predictionCount(label), figures: entries { $0.value(of: label, in: metrics) })
    }
    trimap =
      metrics.options.measures.contains(.trimap)
      ? zip(metrics.trimap.widths, metrics.trimap.matrices).map {
        Band(width: $0, meanIou: OptionalNumber($1.meanIoU()), pixelAccuracy: OptionalNumber($1.pixelAccuracy))
      } : []
    confusion = labels.map { Array(matrix.counts[$0 * metrics.classes..<($0 + 1) * metrics.classes]) }
    images = evaluation.scores.map {
      ImageEntry(name: $0.name, iou: OptionalNumber($0.iou), pixelAccuracy: OptionalNumber($0.pixelAccuracy))
    }
  }

  /// Formats a share as a percentage, or a dash.
  static func percent(_ number: OptionalNumber) -> String { number.value.map { ($0 * 100).fixed(2) + " %" } ?? "–" }

  /// Formats a distance, or a dash.
  static func distance(_ number: OptionalNumber) -> String {
    number.value.map { $0.isInfinite ? "∞" : $0.fixed(2) } ?? "–"
  }

  /// The results as text.
  var text: String {
    var parts: [String] = []
    if imageCount <= 50 {
      var table = TextTable(["image", "IoU"])
      for entry in images { table.add([entry.name, Self.percent(entry.iou)]) }
      parts.append(table.text + "\n")
    }
    var table = TextTable(["class"] + mean.titles)
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

  /// The results as comma-separated values, a line for each class and one for the means (RFC 4180 except for the line ends).
  var csv: String {
    func field(_ text: String) -> String {
      text.contains { $0 == "," || $0 == "\"" || $0.isNewline } ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
    }
    func line(_ label: String, _ name: String, _ truth: Int, _ predicted: Int, _ figures: Figures) -> String {
      ([label, field(name), "\(truth)", "\(predicted)"] + figures.entries.map { $0.number.value.map { "\($0)" } ?? "" })
        .joined(separator: ",")
    }
    let header = (["label", "name", "truth_pixels", "predicted_pixels"] + mean.entries.map(\.figure.key)).joined(
      separator: ",")
    let total = (classes.reduce(0) { $0 + $1.truthPixels }, classes.reduce(0) { $0 + $1.predictedPixels })
    return
      ([header] + classes.map { line("\($0.label)", $0.name, $0.truthPixels, $0.predictedPixels, $0.figures) }
      + [line("", "mean", total.0, total.1, mean)]).joined(separator: "\n")
  }
}

extension EvaluationReport.Figures {
  /// The column titles of tables.
  var titles: [String] { entries.compactMap(\.figure.title) }

  /// The cells of tables below ``titles``.
  var texts: [String] {
    entries.filter { $0.figure.title != nil }.map {
      $0.figure.isDistance ? EvaluationReport.distance($0.number) : EvaluationReport.percent($0.number)
    }
  }
}
