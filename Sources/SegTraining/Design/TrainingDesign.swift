import SegEngine
import SegIO

/// A configuration that is made for a data set, a machine and a time, with the reason of each choice.
///
/// The method is that of nnU-Net (Isensee et al. 2021): the data set decides crops, levels and augmentation by fixed rules, the budget
/// decides widths and batch. Steps of each candidate are timed on this machine, the costliest first; the first of which enough fit into
/// the time is taken.
public struct TrainingDesign: Sendable {
  /// The configuration.
  public let configuration: TrainingConfiguration
  /// What was chosen and why, a line each.
  public let reasons: [String]
  /// The measured seconds of a step.
  public let secondsPerStep: Double

  /// The steps below which a smaller network is taken: few steps of a large network give less than many of a small one.
  static let leastSteps = 2000
  /// The steps beyond which a small set is only repeated.
  static let mostSteps = 20_000

  /// Designs the training of a U-Net.
  ///
  /// - Parameters:
  ///   - trainer: A trainer of the data set. Of its configuration the choices of the data set, seed and threads are kept.
  ///   - seconds: The time for the training, validations included.
  ///   - memory: The bytes that a step may take.
  /// - Throws: ``TrainingConfigurationError`` if no network fits into the memory; `GraphError`.
  public init(_ trainer: Trainer, seconds: Double, memory: Int) throws {
    precondition(seconds > 0 && memory > 0, "a budget is positive: \(seconds) s, \(memory) bytes")
    let rules = TrainingDesignRules(trainer.survey, size: trainer.configuration.size)
    var (configuration, reasons) = (rules.applied(to: trainer.configuration), rules.reasons)
    var chosen: (TrainingConfiguration, seconds: Double, steps: Int)?
    for candidate in rules.candidates {
      configuration.widths = candidate.widths
      configuration.batch = candidate.batch
      let own = try trainer.with(configuration)
      guard try own.plan().residentByteCount <= memory else { continue }
      let step = try own.measureStep(rounds: 2)
      let isLast = candidate.widths == rules.candidates.last?.widths
      guard isLast || seconds / step >= Double(TrainingDesign.leastSteps) else { continue }
      let validations = Double(Trainer.budgetedValidations) * (try own.measureValidation())
      let steps = Int((seconds - validations) / step)
      chosen = (configuration, step, max(1, steps))
      if steps >= TrainingDesign.leastSteps { break }
    }
    guard let (best, step, count) = chosen else {
      throw TrainingConfigurationError(
        "no U-Net can be trained on crops of \(configuration.crops.size)² in \(memory) bytes")
    }
    configuration = best
    configuration.steps = min(count, TrainingDesign.mostSteps)
    configuration.interval = max(1, configuration.steps / Trainer.budgetedValidations)
    configuration.schedule = LearningRateSchedule(.poly, warmup: min(100, configuration.steps / 20))
    configuration.averaging = configuration.steps >= 500 ? 0.99 : nil
    secondsPerStep = step
    let widths = (configuration.widths ?? []).map(String.init).joined(separator: ", ")
    reasons.append(
      "U-Net of widths \(widths), batches of \(configuration.batch): \(count) steps of \(Int((1000 * step).rounded())) ms fit into the time"
        + (count < TrainingDesign.leastSteps
          ? "; fewer than \(TrainingDesign.leastSteps), so that more time would give a better network" : ""))
    if count > TrainingDesign.mostSteps { reasons.append("\(TrainingDesign.mostSteps) steps are enough for any set") }
    if configuration.averaging != nil {
      reasons.append("the mean of the weights of about the last 100 steps is validated and kept")
    }
    self.configuration = configuration
    self.reasons = reasons
  }
}
