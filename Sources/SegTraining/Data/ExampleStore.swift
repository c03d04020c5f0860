import SegEngine
import SegIO
import Synchronization

/// The images and masks of a part of a data set, decoded when they are asked for. They are kept while they fit into a number of bytes.
final class ExampleStore: Sendable {
  let pairs: [LabelledImages.Pair]
  let classes: Int
  private let reading: TrainingDataReading
  private let limit: Int
  private let kept: Mutex<(examples: [Int: TrainingExample], byteCount: Int)>

  /// Makes a store.
  ///
  /// - Parameter limit: The bytes of the examples that are kept.
  init(_ pairs: [LabelledImages.Pair], classes: Int, _ reading: TrainingDataReading, limit: Int) {
    self.pairs = pairs
    self.classes = classes
    self.reading = reading
    self.limit = limit
    kept = Mutex(([:], 0))
  }

  var count: Int { pairs.count }
  /// The number of channels of an image.
  var channels: Int { reading.preprocessing.channels.count }

  /// Reads an image with its mask.
  ///
  /// - Throws: ``TrainingDataError``, `ImageError`, `PredictionError`.
  func example(_ index: Int) throws -> TrainingExample {
    if let example = kept.withLock({ $0.examples[index] }) { return example }
    let example = try reading.example(pairs[index], classes: classes)
    kept.withLock { kept in
      guard kept.examples[index] == nil, kept.byteCount + example.byteCount <= limit else { return }
      kept.examples[index] = example
      kept.byteCount += example.byteCount
    }
    return example
  }
}
