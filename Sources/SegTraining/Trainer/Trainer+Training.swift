import SegEngine
import SegIO

extension Trainer {
  /// What happens in a training.
  public enum Event: Sendable {
    /// Weights of the file are for other classes, and these are drawn.
    case drawn([String])
    /// A step is done.
    case step(number: Int, loss: Double, rate: Double, secondsPerStep: Double)
    /// An image was segmented in a validation.
    case image(ValidatedImage)
    /// The network was validated after a step.
    case validation(step: Int, iou: [Double?], meanIoU: Double, isBest: Bool)
  }

  /// How a training ended.
  public struct Outcome: Sendable {
    /// The reasons of an end.
    public enum Reason: Sendable, Hashable {
      /// All steps are done.
      case finished
      /// The mean IoU has not become better for ``TrainingConfiguration/patience`` validations.
      case stoppedEarly
      /// The caller stopped it. The checkpoint has the last step.
      case interrupted
    }

    /// The reason.
    public let reason: Reason
    /// The steps that are done.
    public let steps: Int
    /// The best mean IoU of the validations, and its step; `nil` if there was none.
    public let best: (meanIoU: Double, step: Int)?
  }

  /// Trains the network.
  ///
  /// Batches are made on other threads while a step runs. A batch depends on the seed and the number of the step alone, and a checkpoint has
  /// all that steps change: a training that was interrupted gives the same weights to the bit as one that was not.
  ///
  /// - Parameters:
  ///   - folder: The folder for configuration, log, weights and checkpoint.
  ///   - isResuming: Whether to continue from the folder's checkpoint; without one training begins anew.
  ///   - report: Receives what happens.
  ///   - isStopped: Asked after each step; true ends the training after a checkpoint.
  /// - Throws: ``TrainingConfigurationError`` if the folder has a training and it is not resumed; ``TrainingFailure`` if the loss is not finite;
  ///   ``TrainingOutputError`` if a file of the folder cannot be written;
  ///   the errors of files and graphs.
  @discardableResult
  public func train(
    in folder: TrainingFolder, resuming isResuming: Bool = false, report: (Event) -> Void = { _ in },
    isStopped: () -> Bool = { false }
  ) throws -> Outcome {
    let step = try makeStep()
    var (state, drawn) = try makeState(step)
    var progress = TrainingCheckpoint(variables: Parameters(), step: 0, best: nil, seconds: 0)
    if isResuming, folder.exists {
      guard try TrainedNetwork(folder: folder.path) == network.trained else {
        throw TrainingConfigurationError(
          "\(folder.path): the data set has other classes, channels, mean or deviation than when training began")
      }
      if folder.hasCheckpoint {
        progress = try TrainingCheckpoint(contentsOf: folder.checkpointPath)
        state = try TrainingState(step, continuing: progress.variables)
      }
    } else {
      guard !folder.exists else {
        throw TrainingConfigurationError("\(folder.path): has a training already, which can be resumed")
      }
      try folder.begin(configuration, network.trained)
    }
    if !drawn.isEmpty, progress.step == 0 { report(.drawn(drawn)) }
    let log = try TrainingLog(folder.logPath, keepingThrough: progress.step)
    let batches = BatchQueue(sampler, from: progress.step, to: configuration.steps)
    var ran = 0
    let start = ContinuousClock.now
    let secondsBefore = progress.seconds
    func checkpoint() throws {
      progress.variables = state.variables
      progress.seconds = secondsBefore + (ContinuousClock.now - start) / .seconds(1)
      try progress.write(to: folder.checkpointPath)
    }
    while progress.step < configuration.steps {
      let (images, targets) = try batches.next(progress.step)
      let rate = configuration.rate * configuration.schedule.factor(step: progress.step, of: configuration.steps)
      let result: TrainingStep.Result
      do throws(GraphError) {
        result = try step.run(images, targets, &state, rate: rate)
      } catch {
        throw TrainingFailure(step: progress.step + 1, state, error)
      }
      guard result.loss.isFinite else { throw TrainingFailure(step: progress.step + 1, state, nil) }
      progress.step += 1
      ran += 1
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      try log.append(
        .init(
          step: progress.step, loss: result.loss, rate: rate, gradientNorm: result.gradientNorm,
          seconds: secondsBefore + seconds))
      report(.step(number: progress.step, loss: result.loss, rate: rate, secondsPerStep: seconds / Double(ran)))
      if progress.step % configuration.interval == 0 || progress.step == configuration.steps {
        try validate(state, &progress, folder, log, report)
        try checkpoint()
        if let patience = configuration.patience, let best = progress.best,
          progress.step - best.step >= patience * configuration.interval
        {
          return Outcome(progress, .stoppedEarly)
        }
      }
      if isStopped() {
        try checkpoint()
        return Outcome(progress, .interrupted)
      }
    }
    return Outcome(progress, .finished)
  }

  /// Validates the weights, and keeps them if they are the best so far.
  private func validate(
    _ state: TrainingState, _ progress: inout TrainingCheckpoint, _ folder: TrainingFolder, _ log: TrainingLog,
    _ report: (Event) -> Void
  ) throws {
    let parameters = state.averagedParameters ?? state.parameters
    let matrix = try evaluate(parameters) { report(.image($0)) }
    let iou = (0..<matrix.classes).map { matrix.iou($0) }
    let score = matrix.meanIoU() ?? 0
    let isBest = score > progress.best?.score ?? -1
    if isBest {
      progress.best = (score, progress.step)
      try TrainingOutputError.writing(folder.path) { try network.write(parameters, into: folder) }
    }
    try log.append(.init(step: progress.step, iou: iou, meanIoU: score))
    report(.validation(step: progress.step, iou: iou, meanIoU: score, isBest: isBest))
  }
}

extension Trainer.Outcome {
  fileprivate init(_ progress: TrainingCheckpoint, _ reason: Reason) {
    self.init(reason: reason, steps: progress.step, best: progress.best.map { ($0.score, $0.step) })
  }
}
