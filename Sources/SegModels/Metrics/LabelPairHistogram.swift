import SegEngine

/// Counts of pairs of labels at the same pixels: the inner loop of the confusion matrix, of all pixels or of several kinds of pixels.
///
/// Labels that are no class share two bins, which keeps the loop free of checks: what is ignored, and what is unknown.
struct LabelPairHistogram {
  private let side: Int
  private var bins: [Int]
  private let classes: Int

  /// Counts the pairs of two arrays of the same length.
  ///
  /// - Parameters:
  ///   - truth: The true labels.
  ///   - prediction: The predicted labels.
  ///   - kinds: The kind of each pixel, all 0 where there is none. Pixels of `kindCount` or more are not counted.
  ///   - kindCount: Number of kinds that are counted.
  ///   - classes: Number of classes.
  ///   - ignoreLabel: The true label that counts for nothing.
  ///   - workers: The threads.
  init(
    truth: [UInt16], prediction: [UInt16], kinds: [UInt8]? = nil, kindCount: Int = 1, classes: Int,
    ignoreLabel: UInt16?, on workers: WorkerPool
  ) {
    precondition(truth.count == prediction.count && kinds.map { $0.count == truth.count } ?? true)
    let side = classes + 2
    self.classes = classes
    self.side = side
    let size = kindCount * side * side
    bins = Array(repeating: 0, count: size)
    guard !truth.isEmpty else { return }
    // Labels of no class go to bin `classes` where they are ignored and to the last where they are not.
    let ignored = ignoreLabel.map(Int.init) ?? -1
    var parts = [Int](repeating: 0, count: workers.threadCount * size)
    parts.withUnsafeMutableBufferPointer { parts in
      LabelRuns.forEachRange(truth: truth, prediction: prediction, marks: kinds, on: workers) { runs, worker in
        let bins = parts.baseAddress! + worker * size
        runs.forEach { truth, prediction, kind, count in
          let (truth, prediction, kind) = (Int(truth), Int(prediction), Int(kind))
          guard kind < kindCount else { return }
          let row = truth == ignored ? classes : truth < classes ? truth : classes + 1
          bins[(kind * side + row) * side + min(prediction, classes + 1)] += count
        }
      }
    }
    for worker in 0..<workers.threadCount {
      for bin in 0..<size { bins[bin] += parts[worker * size + bin] }
    }
  }

  /// Pixels of a kind with a pair of classes.
  func count(_ truth: Int, _ prediction: Int, kind: Int = 0) -> Int { bins[(kind * side + truth) * side + prediction] }

  /// Whether there is a label among the pixels of a kind, not beside an ignored truth, that is no class.
  func holdsUnknownLabels(kind: Int = 0) -> Bool {
    for prediction in 0..<side where count(classes + 1, prediction, kind: kind) > 0 { return true }
    for truth in 0..<classes
    where count(truth, classes, kind: kind) + count(truth, classes + 1, kind: kind) > 0 { return true }
    return false
  }
}
