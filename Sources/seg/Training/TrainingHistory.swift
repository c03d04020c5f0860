import Foundation
import SegIO
import SegTraining

/// The curves of a training, from its log.
struct TrainingHistory {
  private(set) var loss = ThinnedCurve()
  private(set) var rate = ThinnedCurve()
  private(set) var meanIoU = ThinnedCurve()
  /// The IoU of each class.
  private(set) var iou: [ThinnedCurve] = []
  /// The steps that are done.
  private(set) var steps = 0
  /// The seconds of all steps and validations, without pauses.
  private(set) var seconds = 0.0
  /// The best mean IoU with its step; `nil` if there was no validation.
  private(set) var best: (meanIoU: Double, step: Int)?
  private var offset: UInt64 = 0
  /// The time of the last step, if no validation came after it.
  private var previous: Double?
  private var timed = (seconds: 0.0, steps: 0)

  /// The mean seconds of a step, without validations; `nil` before two steps.
  var secondsPerStep: Double? { timed.steps > 0 ? timed.seconds / Double(timed.steps) : nil }

  /// Reads the lines that were added to a log since the last call.
  ///
  /// - Throws: The error of reading.
  mutating func read(_ path: String) throws {
    let file = try FileHandle(forReadingFrom: URL(filePath: path))
    defer { try? file.close() }
    try file.seek(toOffset: offset)
    let bytes = try file.readToEnd() ?? Data()
    offset += UInt64(bytes.count)
    let decoder = JSONDecoder()
    for line in bytes.split(separator: 10) {
      if let entry = try? decoder.decode(TrainingLog.Entry.self, from: line) { add(entry) }
    }
  }

  private mutating func add(_ entry: TrainingLog.Entry) {
    if let loss = entry.loss {
      steps = entry.step
      self.loss.append(entry.step, loss)
      if let rate = entry.rate { self.rate.append(entry.step, rate) }
    }
    if let seconds = entry.seconds {
      if let previous { timed = (timed.seconds + seconds - previous, timed.steps + 1) }
      (self.seconds, previous) = (seconds, seconds)
    }
    if let mean = entry.meanIoU {
      previous = nil
      meanIoU.append(entry.step, mean)
      if mean > best?.meanIoU ?? -1 { best = (mean, entry.step) }
    }
    for (label, value) in (entry.iou ?? []).enumerated() {
      if label == iou.count { iou.append(ThinnedCurve()) }
      if let value { iou[label].append(entry.step, value) }
    }
  }
}
