import SegEngine

/// Counts of pairs of labels at the same pixels: the inner loop of the confusion matrix.
///
/// Segmentations are made of regions, so four pixels that hold the same two labels as the four before them are counted by one
/// comparison. Labels that are no class share two bins, which keeps the loop free of checks: what is ignored, and what is unknown.
struct LabelPairHistogram {
  private let side: Int
  private var bins: [Int]
  private let classes: Int

  /// Counts the pairs of two arrays of the same length.
  init(
    truth: [UInt16], prediction: [UInt16], classes: Int, ignoreLabel: UInt16?, on workers: WorkerPool
  ) {
    precondition(truth.count == prediction.count)
    let side = classes + 2
    self.classes = classes
    self.side = side
    let size = side * side
    bins = Array(repeating: 0, count: size)
    guard !truth.isEmpty else { return }
    // Labels of no class go to bin `classes` where they are ignored and to the last where they are not.
    let ignored = ignoreLabel.map(Int.init) ?? -1
    let chunk = max(1 << 18, (truth.count + 1023) / 1024)
    let chunks = (truth.count + chunk - 1) / chunk
    var parts = [Int](repeating: 0, count: chunks * size)
    parts.withUnsafeMutableBufferPointer { parts in
      truth.withUnsafeBufferPointer { truth in
        prediction.withUnsafeBufferPointer { prediction in
          workers.forEach(chunks) { index, _ in
            let range = index * chunk..<min(truth.count, (index + 1) * chunk)
            LabelPairHistogram.count(
              truth.baseAddress! + range.lowerBound, prediction.baseAddress! + range.lowerBound, range.count,
              classes: classes, ignored: ignored, into: parts.baseAddress! + index * size)
          }
        }
      }
    }
    for part in 0..<chunks {
      for bin in 0..<size { bins[bin] += parts[part * size + bin] }
    }
  }

  /// Pixels with a pair of classes.
  func count(_ truth: Int, _ prediction: Int) -> Int { bins[truth * side + prediction] }

  /// Whether there is a label, not beside an ignored truth, that is no class.
  var holdsUnknownLabels: Bool {
    for prediction in 0..<side where bins[(classes + 1) * side + prediction] > 0 { return true }
    for truth in 0..<classes where count(truth, classes) + count(truth, classes + 1) > 0 { return true }
    return false
  }

  private static func count(
    _ truth: UnsafePointer<UInt16>, _ prediction: UnsafePointer<UInt16>, _ count: Int, classes: Int, ignored: Int,
    into bins: UnsafeMutablePointer<Int>
  ) {
    let side = classes + 2
    func bin(_ truth: UInt16, _ prediction: UInt16) -> Int {
      let (truth, prediction) = (Int(truth), Int(prediction))
      let row = truth == ignored ? classes : truth < classes ? truth : classes + 1
      return row * side + min(prediction, classes + 1)
    }
    var index = 0
    var (lastTruth, lastPrediction, lastBin, run) = (UInt64(0), UInt64(0), bin(0, 0), 0)
    let (wideTruth, widePrediction) = (UnsafeRawPointer(truth), UnsafeRawPointer(prediction))
    while index + 4 <= count {
      let four = wideTruth.loadUnaligned(fromByteOffset: index * 2, as: UInt64.self)
      let fourPredicted = widePrediction.loadUnaligned(fromByteOffset: index * 2, as: UInt64.self)
      if four == lastTruth && fourPredicted == lastPrediction {
        run += 4
      } else {
        bins[lastBin] += run
        run = 0
        // Four equal labels are one label times 0x0001000100010001.
        let (label, predicted) = (truth[index], prediction[index])
        if four == UInt64(label) &* 0x0001_0001_0001_0001, fourPredicted == UInt64(predicted) &* 0x0001_0001_0001_0001 {
          (lastTruth, lastPrediction, lastBin, run) = (four, fourPredicted, bin(label, predicted), 4)
        } else {
          for pixel in index..<index + 4 { bins[bin(truth[pixel], prediction[pixel])] += 1 }
        }
      }
      index += 4
    }
    bins[lastBin] += run
    for pixel in index..<count { bins[bin(truth[pixel], prediction[pixel])] += 1 }
  }
}
