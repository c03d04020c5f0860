import SegTraining

/// The lines of JSON that `seg train --json` prints. `event` says which line it is.
enum TrainingLine {
  /// What is going to be trained.
  struct Start: Encodable {
    let event = "start"
    let path: String
    let imagesToTrain, imagesToValidate, classes, batch, steps: Int
  }

  /// What the training would take, with `--plan`.
  struct Plan: Encodable {
    let event = "plan"
    let millisecondsPerStep: Double
    /// The time of all steps, without validation.
    let seconds: Double
    /// The memory of a step, without images and program.
    let bytes: Int
  }

  /// A step is done.
  struct Step: Encodable {
    let event = "step"
    let step: Int
    let loss, rate, imagesPerSecond: Double
  }

  /// The network was validated after a step.
  struct Validation: Encodable {
    let event = "validation"
    let step: Int
    let meanIou: Double
    /// The IoU of each class; `null` for a class that occurs in neither mask nor prediction.
    let iou: [Double?]
    /// Whether no former validation was as good.
    let isBest: Bool
  }

  /// Training has ended. The folder at the path has the best weights, if there was a validation.
  struct End: Encodable {
    let event = "end"
    let path, reason: String
    let step: Int
    /// The best mean IoU and its step; `null` if there was no validation.
    let bestMeanIou: Nullable<Double>
    let bestStep: Nullable<Int>

    init(_ outcome: Trainer.Outcome, path: String) {
      self.path = path
      reason =
        switch outcome.reason {
        case .finished: "finished"
        case .stoppedEarly: "stopped_early"
        case .interrupted: "interrupted"
        }
      step = outcome.steps
      bestMeanIou = Nullable(outcome.best?.meanIoU)
      bestStep = Nullable(outcome.best?.step)
    }
  }
}
