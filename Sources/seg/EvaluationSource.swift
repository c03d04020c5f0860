import SegEngine
import SegIO
import SegModels

/// How the files of masks become labels.
struct MaskReading {
  /// Whether labels that are not 0 are foreground.
  let isBinary: Bool
  /// Labels that count for nothing.
  let ignored: [UInt16]

  /// What all of them become; no class has this label.
  var ignoreLabel: UInt16? { ignored.isEmpty ? nil : .max }

  /// The mask of a file.
  func truth(_ path: String) throws -> LabelMap {
    guard !ignored.isEmpty else { return try prediction(path) }
    var mask = try LabelMap(contentsOf: path)
    for index in mask.labels.indices {
      let label = mask.labels[index]
      mask.labels[index] = ignored.contains(label) ? .max : isBinary ? min(label, 1) : label
    }
    return mask
  }

  /// The predicted labels of a file, where nothing is ignored.
  func prediction(_ path: String) throws -> LabelMap {
    try LabelMap(contentsOf: path, reading: isBinary ? .nonZeroIsForeground : .storedValue)
  }
}

/// Where predictions come from.
struct EvaluationSource {
  /// A prediction with what it is held against.
  struct Item {
    let prediction, truth: LabelMap
    let image: Image?
    let output: Predictor.Prediction?
  }

  private enum Kind {
    case network(Segmenter, Predictor.Resolution)
    case labels
  }

  let name: String
  let classes: Int
  let masks: MaskReading
  let workers: WorkerPool
  private let kind: Kind

  /// The predictions of a network.
  static func network(_ segmenter: Segmenter, masks: MaskReading, _ resolution: Predictor.Resolution)
    -> EvaluationSource
  {
    EvaluationSource(
      name: segmenter.name, classes: segmenter.classes, masks: masks,
      workers: segmenter.predictor.model.backend.workers,
      kind: .network(segmenter, resolution))
  }

  /// Label images of any origin; where the number of classes is not said, all files are read for their largest label.
  static func labels(
    _ pairs: [ImageFiles.Pair], masks: MaskReading, classes: Int?, workers: WorkerPool
  ) throws -> EvaluationSource {
    var count = classes ?? (masks.isBinary ? 2 : 0)
    if count == 0 {
      count = 1
      for path in pairs.flatMap({ [$0.image, $0.mask] }) {
        let labels = try LabelMap(contentsOf: path).labels
        count = max(count, Int(labels.lazy.filter { !masks.ignored.contains($0) }.max() ?? 0) + 1)
      }
    }
    return EvaluationSource(name: "predictions", classes: count, masks: masks, workers: workers, kind: .labels)
  }

  /// The prediction of a pair of files, and its mask.
  func item(_ pair: ImageFiles.Pair) throws -> Item {
    switch kind {
    case .labels:
      return Item(
        prediction: try masks.prediction(pair.image), truth: try masks.truth(pair.mask), image: nil, output: nil)
    case .network(let segmenter, let resolution):
      let image = try Image(contentsOf: pair.image)
      var mask = try masks.truth(pair.mask)
      guard mask.width == image.width, mask.height == image.height else {
        throw Failure(
          .badInput,
          "\(pair.mask): has \(mask.width)×\(mask.height) pixels, its image \(image.width)×\(image.height)")
      }
      let prediction = try segmenter.prediction(for: image, of: pair.image, at: resolution)
      if resolution == .network {
        mask = segmenter.predictor.networkMask(mask, fill: masks.ignoreLabel ?? 0)
      }
      return Item(
        prediction: prediction.labels, truth: mask, image: resolution == .image ? image : nil, output: prediction)
    }
  }

  /// The probabilities behind a network's prediction.
  func probabilities(_ item: Item, of pair: ImageFiles.Pair) throws -> Tensor? {
    guard case .network(let segmenter, _) = kind, let output = item.output else { return nil }
    return try Failure.about(pair.image) { try segmenter.predictor.probabilities(of: output) }
  }
}

/// The figures of a data set, and the score of each image.
struct Evaluation {
  struct Score {
    let name: String
    /// The mean IoU of the image's classes but for class 0.
    let iou: Double?
    let pixelAccuracy: Double?
  }

  private(set) var metrics: SegmentationMetrics
  private(set) var scores: [Score] = []
  private let workers: WorkerPool

  init(metrics: SegmentationMetrics, workers: WorkerPool) {
    self.metrics = metrics
    self.workers = workers
  }

  /// Adds an image and gives its score.
  mutating func add(_ name: String, _ item: EvaluationSource.Item) throws -> Double? {
    let image = try metrics.add(prediction: item.prediction, truth: item.truth, on: workers)
    let score = image.meanIoU(over: min(1, image.classes)..<image.classes)
    scores.append(Score(name: name, iou: score, pixelAccuracy: image.pixelAccuracy))
    return score
  }
}
