import SegEngine
import SegIO
import SegModels
import SegTraining

/// What a training's folder shows of it: `report.html`, and `samples` with pictures of predictions.
struct TrainingReport {
  /// How far a training is.
  enum State {
    case running
    case ended(Trainer.Outcome.Reason)
    case failed(TrainingFailure)
  }

  private let trainer: Trainer
  private let folder: TrainingFolder
  private let classes: ClassList
  private var history = TrainingHistory()
  /// The validation of the best weights, and that which goes on.
  private var best, current: ValidationRecord?

  /// Makes the report of a training in a folder. It is written when there is something to tell.
  init(_ trainer: Trainer, in folder: TrainingFolder) {
    self.trainer = trainer
    self.folder = folder
    classes = ClassList(names: trainer.configuration.classNames ?? [])
  }

  /// Takes note of what happens, and draws and writes after a validation.
  ///
  /// - Throws: ``Failure``, and the errors of reading images again.
  mutating func record(_ event: Trainer.Event) throws {
    switch event {
    case .drawn, .step: break
    case .image(let image):
      var record = current ?? ValidationRecord(trainer)
      current = nil
      try record.add(image)
      current = record
    case .validation(let step, _, _, let isBest):
      if isBest {
        best = current
        try writeSamples(step)
      }
      current = nil
      try write(.running)
    }
  }

  /// Writes the report of a training that has ended. The best weights are validated once more if that was in an earlier session.
  mutating func finish(_ state: State) throws {
    if best == nil, let weights = try trainer.bestWeights(in: folder) {
      var record = ValidationRecord(trainer)
      _ = try trainer.evaluate(weights) { try record.add($0) }
      best = record
    }
    try write(state)
  }

  private mutating func write(_ state: State) throws {
    try history.read(folder.logPath)
    let page = TrainingPage(
      trainer: trainer, path: folder.path, classes: classes, state: state, history: history,
      evaluation: try best.map(evaluation))
    try page.page().write(to: folder.reportPath)
  }

  /// The figures and pictures of a validation.
  private func evaluation(_ record: ValidationRecord) throws -> (EvaluationReport, [GalleryEntry]) {
    let report = EvaluationReport(
      record.evaluation, [.iou, .dice, .precision, .recall], model: folder.path, resolution: "image",
      names: (0..<trainer.survey.classes).map { classes.name(of: UInt16($0)) }, assumptions: [], warnings: [])
    let style = GalleryEntry.Style(
      classes: classes, opacity: 0.5, ignoreLabel: LabelMap.unlabelled, largestExtent: 800, includesPhoto: true)
    return (
      report,
      try record.worst.map { kept in
        let truth = try trainer.configuration.masks.truth(kept.pair.mask).labels
        let item = EvaluationSource.Item(
          prediction: kept.prediction, truth: truth, image: nil, output: nil, warnings: [])
        return try GalleryEntry(
          kept.index, kept.pair.name, score: kept.score!, item, photo: Image(contentsOf: kept.pair.image), style)
      }
    )
  }

  /// Writes the predictions of the samples over their images.
  private func writeSamples(_ step: Int) throws {
    guard let best else { return }
    try Failure.writing { try FileSystem.makeDirectory(folder.samplesPath) }
    for (index, sample) in best.samples.enumerated() {
      let picture = try Image(contentsOf: sample.pair.image).overlaid(
        with: sample.prediction, classes: classes, legend: nil)
      // A name has at most 255 bytes.
      let name = sample.pair.name.utf8.count > 200 ? "" : "-" + sample.pair.name.replacing("/", with: "_")
      let digits = "\(step)"
      let padded = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
      try Failure.writing {
        try picture.writePNG(to: "\(folder.samplesPath)/\(index + 1)\(name)-\(padded).png")
      }
    }
  }
}
