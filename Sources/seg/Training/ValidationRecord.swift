import SegEngine
import SegIO
import SegModels
import SegTraining

/// The figures of a validation, its worst images and those of the samples.
struct ValidationRecord {
  /// An image of which the prediction is kept. Image and mask are read again when they are drawn.
  struct Kept {
    let pair: LabelledImages.Pair
    let index: Int
    let prediction: LabelMap
    /// The mean IoU of the image's classes other than 0; `nil` if it has none.
    let score: Double?
  }

  /// The largest number of the worst images, and that of the samples.
  static let size = 4

  private(set) var evaluation: Evaluation
  /// The images of the least scores, in ascending order.
  private(set) var worst: [Kept] = []
  /// Images at equal distances among those of the validation.
  private(set) var samples: [Kept] = []
  private let sampled: Set<Int>

  /// Makes an empty record.
  init(_ trainer: Trainer) {
    let source = EvaluationSource.labels(
      masks: trainer.configuration.masks, classes: trainer.survey.classes, workers: WorkerPool(threads: 1))
    var options = SegmentationMetrics.Options(ignoreLabel: LabelMap.unlabelled)
    options.measures = []
    evaluation = Evaluation(source, options: options)
    let count = trainer.data.validation.count
    sampled = Set((0..<min(Self.size, count)).map { $0 * count / min(Self.size, count) })
  }

  /// Adds an image.
  mutating func add(_ image: ValidatedImage) throws {
    let score = try evaluation.add(
      image.pair,
      .init(prediction: image.prediction, truth: image.truth, image: nil, output: nil, warnings: []))
    let kept = Kept(pair: image.pair, index: image.index, prediction: image.prediction, score: score)
    if sampled.contains(image.index) { samples.append(kept) }
    guard let score else { return }
    worst.insert(kept, at: worst.firstIndex { $0.score! > score } ?? worst.count)
    worst = Array(worst.prefix(Self.size))
  }
}
