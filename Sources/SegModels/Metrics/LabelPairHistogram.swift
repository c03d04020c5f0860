import SegEngine

/// Counts pairs of true and predicted labels at the same pixels, for all pixels or for several kinds of pixels. This is
/// the inner loop of the confusion matrix.
///
/// Two extra bins hold the ignored labels and the labels outside the classes, so that the loop needs no checks.
struct LabelPairHistogram {
  private let side: Int
  private var bins: [Int]
  private let classes: Int

  /// Counts the pairs of two arrays of the same length.
  ///
  /// - Parameters:
  ///   - truth: The true labels.
  ///   - prediction: The predicted labels.
  ///   - kinds: The kind of each pixel, or `nil` if all are of kind 0. Pixels of kind `kindCount` or above are not
  ///     counted.
  ///   - kindCount: The number of kinds.
  ///   - classes: The number of classes.
  ///   - ignoreLabel: Pixels whose true label is this one are ignored.
  ///   - workers: The threads to run on.
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
    // Bin `classes` holds ignored labels; the last bin holds other labels outside the classes.
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

  /// The number of pixels of a kind with a pair of classes.
  func count(_ truth: Int, _ prediction: Int, kind: Int = 0) -> Int { bins[(kind * side + truth) * side + prediction] }

  /// Whether a pixel of a kind that is not ignored has a label outside the classes.
  func holdsUnknownLabels(kind: Int = 0) -> Bool {
    for prediction in 0..<side where count(classes + 1, prediction, kind: kind) > 0 { return true }
    for truth in 0..<classes
    where count(truth, classes, kind: kind) + count(truth, classes + 1, kind: kind) > 0 { return true }
    return false
  }
}
