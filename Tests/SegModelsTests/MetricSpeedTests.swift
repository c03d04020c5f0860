import Foundation
import SegEngine
import SegModels
import TestSupport
import Testing

/// Times of metrics and losses, printed; run with `SEG_MEASURE=1` on a machine that does nothing else. `perf/metrics.py` measures the
/// same on the same pixels with other libraries.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["SEG_MEASURE"] != nil)) struct MetricSpeedTests {
  private func measure(_ name: String, rounds: Int = 9, _ body: () throws -> Void) rethrows {
    let clock = ContinuousClock()
    try body()
    let times = try (0..<rounds).map { _ in try clock.measure(body) / .milliseconds(1) }.sorted()
    print("\(name): \(String(format: "%.3f", times[rounds / 2])) ms, least \(String(format: "%.3f", times[0]))")
  }

  /// 19 classes in rectangles of 37 × 53 pixels; the prediction is that moved by some pixels, and wrong in one pixel of eleven.
  private func cityscape() -> (prediction: LabelMap, truth: LabelMap) {
    let (width, height) = (2048, 1024)
    func label(_ row: Int, _ column: Int) -> UInt16 { UInt16((row / 37 * 7 + column / 53 * 3) % 19) }
    var (prediction, truth) = (LabelMap(width: width, height: height), LabelMap(width: width, height: height))
    for row in 0..<height {
      for column in 0..<width {
        truth[row, column] = (row * width + column) % 97 == 0 ? 255 : label(row, column)
        let isNoise = (row * 31 + column) % 11 == 0
        prediction[row, column] = isNoise ? UInt16((row + column) % 19) : label(row + 2, column + 3)
      }
    }
    return (prediction, truth)
  }

  /// One pixel in 4096 of a mask 2048 pixels wide.
  private func isSparse(_ index: Int) -> Bool {
    let hash = (index &* 2_654_435_761) >> 7
    return hash & 4095 == 0
  }

  /// A third of the squares of 128² pixels of a mask 2048 pixels wide.
  private func isInBlock(_ index: Int) -> Bool {
    let (row, column) = (index / 2048 / 128, index % 2048 / 128)
    return (row + column) % 3 == 0
  }

  @Test func times() throws {
    let (prediction, truth) = cityscape()
    var smooth = prediction
    for row in 0..<1024 { for column in 0..<2048 { smooth[row, column] = truth[max(0, row - 2), column] } }
    for index in smooth.labels.indices where smooth.labels[index] == 255 { smooth.labels[index] = 0 }
    for threads in [1, 2] {
      let workers = WorkerPool(threads: threads)
      for (name, labels) in [("regions with noise", prediction), ("regions", smooth)] {
        try measure("confusion matrix and mIoU, 2048×1024, 19 classes, \(name), \(threads) threads") {
          var matrix = ConfusionMatrix(classes: 19)
          try matrix.add(prediction: labels, truth: truth, on: workers)
          precondition(matrix.meanIoU() != nil)
        }
      }
      for (name, isSet) in [("one pixel in 4096", isSparse), ("blocks", isInBlock)] {
        let mask = BinaryMask(width: 2048, height: 2048, isSet: (0..<2048 * 2048).map(isSet))
        measure("distance transform, 2048², \(name), \(threads) threads", rounds: 5) {
          precondition(DistanceTransform.distances(to: mask, on: workers).count == mask.isSet.count)
        }
      }
      try measure("boundary F1, \(threads) threads", rounds: 3) {
        var f1 = BoundaryF1(classes: 19)
        try f1.add(prediction: smooth, truth: truth, on: workers)
      }
      try measure("all metrics, \(threads) threads", rounds: 3) {
        var metrics = SegmentationMetrics(classes: 19)
        try metrics.add(prediction: smooth, truth: truth, on: workers)
      }
      let logits = Tensor.random([1, 512, 512, 19], in: -4...4, seed: 3)
      let target = LabelMap(width: 512, height: 512, labels: (0..<512 * 512).map { truth.labels[$0] })
      for (name, loss) in [
        ("cross-entropy", CrossEntropyLoss()), ("Dice", DiceLoss()), ("Lovász", LovaszSoftmaxLoss()),
        ("boundary", BoundaryLoss()),
      ] as [(String, any SegmentationLoss)] {
        try measure("\(name) with gradient, 512², 19 classes, \(threads) threads", rounds: 5) {
          _ = try loss.evaluate(logits, [target], gradient: true, on: workers)
        }
      }
    }
  }
}
