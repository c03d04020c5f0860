import ArgumentParser
import Foundation
import SegEngine
import SegIO
import SegModels
import SegTraining

/// The command `seg train`: trains a network on a folder of images and masks.
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Trains a network on a folder of images and masks.",
    discussion: """
      DATA has `images` and `masks`, of which a fifth is kept for validation, or `train` and `val` with these inside. An image and its mask \
      have equal names, but for the ending and words such as `_mask`. A mask is a label image: the palette index or grey value is the class.

      RUN then has the trained network, which every command takes by `--model RUN`; a page, report.html, with curves, figures and the worst \
      images, and pictures of predictions in samples; the configuration, a log with a line a step, and a checkpoint. Ctrl-C ends training \
      after a checkpoint; --resume continues from it, to the same weights as if nothing had happened.

      --json prints a line for each `event`: `start` (path, images, classes, batch, steps), `step` (loss, rate, images a second), \
      `validation` (mean IoU, IoU of each class, whether it is the best so far), and `end` (reason, best mean IoU and its step, path); \
      with --plan there is `plan` (time, bytes) after `start`.

      `seg init` writes a configuration for the data set and a time, which --configuration takes.

      Example: seg train cells -o run --minutes 15; seg segment photo.png --model run
      """)

  @Argument(help: ArgumentHelp("The folder of images and masks.", valueName: "data"))
  var data: String

  @Option(name: .shortAndLong, help: ArgumentHelp("The folder for the trained network.", valueName: "run"))
  var output = "run"

  @OptionGroup(title: "Data set") var set: TrainingDataOptions

  @OptionGroup(title: "Network and steps") var choices: TrainingChoices

  @Option(help: ArgumentHelp("Choices to begin with, such as those of `seg init`.", valueName: "file"))
  var configuration: String?

  @Flag(help: "Continue the training of the folder, with its configuration.")
  var resume = false

  @Flag(help: "Say what the training would take, and end.")
  var plan = false

  @Flag(help: "Run 100 steps with rates from 1e-6 to 1, print the losses and a rate that suits, and end.")
  var rangeTest = false

  @Flag(help: "Print JSON: a line a step, a line a validation, and one for the end.")
  var json = false

  func validate() throws {
    if resume, !set.isEmpty || !choices.isEmpty || configuration != nil {
      throw ValidationError("--resume continues with the configuration of the folder: no other option changes it")
    }
    if rangeTest, json { throw ValidationError("--range-test prints a table, not JSON") }
  }

  func run() throws {
    let folder = TrainingFolder(output)
    var configuration: TrainingConfiguration
    if resume {
      configuration = try folder.configuration()
      // `cells` and `./cells/` are one place.
      guard FileSystem.resolved(configuration.data) == FileSystem.resolved(data) else {
        throw Failure(.usage, "\(output): was trained on \(configuration.data), not on \(data)")
      }
    } else {
      guard plan || rangeTest || !folder.exists else {
        throw Failure(.usage, "\(output): has a training already: --resume continues it")
      }
      configuration = try self.configuration.map { try TrainingConfiguration(contentsOf: $0) } ?? .init(data: data)
      configuration.data = data
      try set.apply(to: &configuration)
      try choices.apply(to: &configuration)
    }
    var trainer = try Trainer(configuration)
    if choices.minutes != nil || choices.epochs != nil {
      configuration = trainer.configuration
      if let minutes = choices.minutes {
        configuration.steps = try trainer.steps(within: 60 * minutes)
      } else if let epochs = choices.epochs {
        configuration.steps = max(1, epochs * trainer.data.training.count / configuration.batch)
      }
      configuration.interval = min(configuration.interval, max(1, configuration.steps / 6))
      configuration.schedule.warmup = min(configuration.schedule.warmup, configuration.steps / 20)
      trainer = try trainer.with(configuration)
    }
    try describe(trainer)
    if plan { return try printPlan(trainer) }
    if rangeTest { return try printRange(trainer) }
    ProcessSignals.stopSoftly()
    var progress = TrainingProgress(trainer, in: folder, json: json)
    let outcome: Trainer.Outcome
    do {
      outcome = try trainer.train(
        in: folder, resuming: resume, report: { progress.note($0) }, isStopped: { ProcessSignals.isStopRequested })
    } catch {
      progress.fail(error)
      throw error
    }
    progress.finish(outcome.reason)
    try finish(outcome)
    if !progress.isComplete { throw ExitCode(Failure.Kind.unwritableOutput.rawValue) }
  }

  private func finish(_ outcome: Trainer.Outcome) throws {
    if json {
      try printJSON(TrainingLine.End(outcome, path: output), onOneLine: true)
    } else if outcome.reason != .interrupted {
      let best = outcome.best.map { "mean IoU \($0.meanIoU.fixed(4)) at step \($0.step)" } ?? "no validation yet"
      let remark = outcome.reason == .stoppedEarly ? "no better after step \(outcome.best?.step ?? 0): " : ""
      try printLine("\(output): \(remark)\(best)")
    }
    guard outcome.reason == .interrupted else { return }
    printError("seg: stopped after step \(outcome.steps); --resume continues")
    throw ExitCode(130)
  }

  /// Prints what the data set has.
  private func describe(_ trainer: Trainer) throws {
    let (data, survey) = (trainer.data, trainer.survey)
    if json {
      let configuration = trainer.configuration
      let line = TrainingLine.Start(
        path: output, imagesToTrain: data.training.count, imagesToValidate: data.validation.count,
        classes: survey.classes, batch: configuration.batch, steps: configuration.steps)
      try printJSON(line, onOneLine: true)
    } else {
      try printLine(trainer.summary)
    }
    let absent = survey.shares.indices.filter { survey.shares[$0] == 0 }.map { "\($0)" }
    if !absent.isEmpty {
      let names = absent.joined(separator: ", ")
      printError("seg: no image to train has a pixel of class \(names), which cannot be learnt")
    }
  }

  private func printRange(_ trainer: Trainer) throws {
    let range = try trainer.learningRateRange()
    try printLine("rate       loss")
    for point in range.points { try printLine("\(String(format: "%.2e", point.rate))  \(point.loss.fixed(4))") }
    try printLine(
      range.suggestion.map { "suits: --rate \(String(format: "%.1e", $0))" } ?? "no rate makes the loss smaller")
  }

  private func printPlan(_ trainer: Trainer) throws {
    let plan = try trainer.plan()
    let seconds = try trainer.measureStep()
    let steps = trainer.configuration.steps
    if json {
      let line = TrainingLine.Plan(
        millisecondsPerStep: 1000 * seconds, seconds: seconds * Double(steps), bytes: plan.residentByteCount)
      return try printJSON(line, onOneLine: true)
    }
    try printLine(
      "\(trainer.configuration.network), \(trainer.configuration.batch) crops of \(trainer.configuration.crops.size)² a step: "
        + "\((1000 * seconds).fixed(0)) ms a step, \(ProgressBar.duration(seconds * Double(steps))) for \(steps) steps without "
        + "validation, \((Double(plan.residentByteCount) / 1e6).fixed(0)) MB beside images and program")
  }
}
