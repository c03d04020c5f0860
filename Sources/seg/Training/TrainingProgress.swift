import SegTraining

/// What `seg train` says while it trains, with the report in the folder. What cannot be written is given up, and training goes on.
struct TrainingProgress {
  /// Where progress is written.
  private enum Place {
    case report, standardOutput
  }

  private let trainer: Trainer
  private let json: Bool
  private let bar: ProgressBar
  private var report: TrainingReport
  private var smoothed: Double?
  private var givenUp: Set<Place> = []

  init(_ trainer: Trainer, in folder: TrainingFolder, json: Bool) {
    self.trainer = trainer
    self.json = json
    bar = ProgressBar(total: trainer.configuration.steps)
    report = TrainingReport(trainer, in: folder)
  }

  /// Whether all could be written so far.
  var isComplete: Bool { givenUp.isEmpty }

  /// Says what happened.
  mutating func note(_ event: Trainer.Event) {
    write(.report) { try $0.report.record(event) }
    switch event {
    case .drawn(let names):
      printError("seg: drawn anew for \(trainer.survey.classes) classes: \(names.joined(separator: ", "))")
    case .step(let number, let loss, let rate, let seconds): noteStep(number, loss, rate, seconds)
    case .image: break
    case .validation(let step, let iou, let mean, let isBest):
      bar.finish()
      write(.standardOutput) { progress in
        if progress.json {
          let line = TrainingLine.Validation(step: step, meanIou: mean, iou: iou, isBest: isBest)
          return try printJSON(line, onOneLine: true)
        }
        try printLine(
          "step \(step): loss \((progress.smoothed ?? .nan).fixed(4)), mean IoU \(mean.fixed(4)) ("
            + iou.map { $0?.fixed(3) ?? "–" }.joined(separator: " ") + ")" + (isBest ? ", the best so far" : ""))
      }
    }
  }

  private mutating func noteStep(_ number: Int, _ loss: Double, _ rate: Double, _ seconds: Double) {
    let imagesPerSecond = Double(trainer.configuration.batch) / seconds
    smoothed = smoothed.map { 0.95 * $0 + 0.05 * loss } ?? loss
    bar.update(
      number,
      saying: "loss \(smoothed!.fixed(3)), \(imagesPerSecond.fixed(1)) images/s, "
        + "\(ProgressBar.duration(seconds * Double(trainer.configuration.steps - number))) left")
    guard json else { return }
    write(.standardOutput) { _ in
      let line = TrainingLine.Step(step: number, loss: loss, rate: rate, imagesPerSecond: imagesPerSecond)
      try printJSON(line, onOneLine: true)
    }
  }

  /// Writes the last report.
  mutating func finish(_ reason: Trainer.Outcome.Reason) {
    bar.finish()
    write(.report) { try $0.report.finish(.ended(reason)) }
  }

  /// Writes the report of a training that ended with an error, if that is one of the training itself.
  mutating func fail(_ error: any Error) {
    bar.finish()
    if let failure = error as? TrainingFailure { write(.report) { try $0.report.finish(.failed(failure)) } }
  }

  /// Writes to a place, which is given up after an error.
  private mutating func write(_ place: Place, _ body: (inout TrainingProgress) throws -> Void) {
    guard !givenUp.contains(place) else { return }
    do {
      try body(&self)
    } catch {
      givenUp.insert(place)
      bar.finish()
      let reason = Failure(error)?.message ?? "\(error)"
      printError(place == .report ? "seg: there is no report: \(reason)" : "seg: \(reason)")
    }
  }
}
