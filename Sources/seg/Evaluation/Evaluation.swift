import SegEngine
import SegIO
import SegModels

/// The metrics of a data set, and the score of each image.
struct Evaluation {
  struct Score {
    let name: String
    /// The mean IoU of the image's classes, without class 0.
    let iou: Double?
    let pixelAccuracy: Double?
  }

  private(set) var metrics: SegmentationMetrics
  private(set) var scores: [Score] = []
  private let source: EvaluationSource

  init(_ source: EvaluationSource, options: SegmentationMetrics.Options) {
    metrics = SegmentationMetrics(classes: source.classes ?? 1, options: options)
    self.source = source
  }

  /// Adds an image and returns its score.
  mutating func add(_ pair: LabelledImages.Pair, _ item: EvaluationSource.Item) throws -> Double? {
    if source.classes == nil { try extend(to: item, of: pair) }
    let image: ConfusionMatrix
    do throws(MetricError) {
      image = try metrics.add(prediction: item.prediction, truth: item.truth, on: source.workers)
    } catch {
      throw failure(error, pair)
    }
    let score = image.meanIoU(over: min(1, image.classes)..<image.classes)
    scores.append(Score(name: pair.name, iou: score, pixelAccuracy: image.pixelAccuracy))
    return score
  }

  /// Enlarges the confusion matrix for the largest label of an image. Ignored labels of the prediction do not count.
  private mutating func extend(to item: EvaluationSource.Item, of pair: LabelledImages.Pair) throws {
    let ignored = Set(source.masks.ignored ?? [LabelMap.defaultIgnoreLabel])
    let sides: [(map: LabelMap, path: String, leftOut: Set<UInt16>)] = [
      (item.truth, pair.mask, [LabelMap.unlabelled]),
      (item.prediction, pair.image, ignored.union([LabelMap.unlabelled])),
    ]
    for (map, path, leftOut) in sides {
      guard let largest = map.largestLabel(but: leftOut), Int(largest) >= metrics.classes else { continue }
      let classes = Int(largest) + 1
      // The matrices: for the data set, for the image, and for each band around boundaries, each also once per thread.
      let matrices = (2 + metrics.options.trimapWidths.count) * (2 + source.workers.threadCount)
      try requireMemory(
        (classes + 2) * (classes + 2) * MemoryLayout<Int>.size * matrices,
        for:
          "\(path): label \(largest) makes \(classes) classes, unless --ignore names it or --classes how many there are:"
          + " their confusion matrix")
      metrics.extend(to: classes)
    }
  }

  private func failure(_ error: MetricError, _ pair: LabelledImages.Pair) -> Failure {
    var hint = ""
    var isTruth = true
    if case .unknownLabel(let label, let classes, let side) = error {
      isTruth = side
      if [255, .max].contains(label), classes <= 255, !source.masks.isBinary {
        hint = " (--binary takes all but 0 for foreground)"
      }
    }
    if case .unknownLabel(LabelMap.unlabelled, _, isTruth: true) = error { hint = ", which --ignore none counts" }
    return Failure(.badInput, "\(isTruth ? pair.mask : pair.image): \(error)\(hint)")
  }
}

extension LabelMap {
  /// Returns the largest label, without some; `nil` if there is none.
  fileprivate func largestLabel(but leftOut: Set<UInt16>) -> UInt16? {
    guard let largest = labels.max(), leftOut.contains(largest) else { return labels.max() }
    return labels.lazy.filter { !leftOut.contains($0) }.max()
  }
}
