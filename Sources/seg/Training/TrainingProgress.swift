import SegTraining

/// What `seg train` says while it trains, with the report in the folder.
struct TrainingProgress {
  private let trainer: Trainer
  private let json: Bool
  private let bar: ProgressBar
  private var report: TrainingReport
  private var smoothed: Double?
  /// Whether the report could be written so far.
  private(set) var hasReport = true

  init(_ trainer: Trainer, in folder: TrainingFolder, json: Bool) {
    self.trainer = trainer
    self.json = json
    bar = ProgressBar(total: trainer.configuration.steps)
    report = TrainingReport(trainer, in: folder)
  }

  /// Says what happened. Training goes on if the report cannot be written.
  mutating func note(_ event: Trainer.Event) {
    write { try $0.record(event) }
    switch event {
    case .drawn(let names):
      printError("seg: drawn anew for \(trainer.survey.classes) classes: \(names.joined(separator: ", "))")
    case .step(let number, let loss, _, let seconds):
      smoothed = smoothed.map { 0.95 * $0 + 0.05 * loss } ?? loss
      bar.update(
        number,
        saying: "loss \(smoothed!.fixed(3)), "
          + "\((Double(trainer.configuration.batch) / seconds).fixed(1)) images/s, "
          + "\(ProgressBar.duration(seconds * Double(trainer.configuration.steps - number))) left")
    case .image: break
    case .validation(let step, let iou, let mean, let isBest):
      bar.finish()
      try? printLine(
        json
          ? Self.line(step, iou, mean)
          : "step \(step): loss \((smoothed ?? .nan).fixed(4)), mean IoU \(mean.fixed(4)) ("
            + iou.map { $0?.fixed(3) ?? "–" }.joined(separator: " ") + ")" + (isBest ? ", the best so far" : ""))
    }
  }

  /// Writes the last report.
  mutating func finish(_ reason: Trainer.Outcome.Reason) {
    bar.finish()
    write { try $0.finish(.ended(reason)) }
  }

  /// Writes the report of a training that ended with an error, if that is one of the training itself.
  mutating func fail(_ error: any Error) {
    bar.finish()
    if let failure = error as? TrainingFailure { write { try $0.finish(.failed(failure)) } }
  }

  /// Changes the report, which is given up after an error.
  private mutating func write(_ change: (inout TrainingReport) throws -> Void) {
    guard hasReport else { return }
    do {
      try change(&report)
    } catch {
      hasReport = false
      bar.finish()
      printError("seg: there is no report: \(Failure(error)?.message ?? "\(error)")")
    }
  }

  private static func line(_ step: Int, _ iou: [Double?], _ mean: Double) -> String {
    "{\"step\":\(step),\"meanIoU\":\(mean),\"iou\":[\(iou.map { $0.map { "\($0)" } ?? "null" }.joined(separator: ","))]}"
  }
}
