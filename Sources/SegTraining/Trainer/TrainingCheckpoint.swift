import SegEngine
import SegIO

/// A state of training with the progress that belongs to it, in one file, which is replaced as a whole.
struct TrainingCheckpoint {
  var variables: Parameters
  /// The steps so far.
  var step: Int
  /// The best mean IoU so far, and its step.
  var best: (score: Double, step: Int)?
  /// Seconds spent so far.
  var seconds: Double

  init(variables: Parameters, step: Int, best: (score: Double, step: Int)?, seconds: Double) {
    self.variables = variables
    self.step = step
    self.best = best
    self.seconds = seconds
  }

  /// Reads a checkpoint.
  ///
  /// - Throws: `WeightsError`, ``TrainingConfigurationError`` if the file is no checkpoint.
  init(contentsOf path: String) throws {
    let file = try Safetensors(contentsOf: path)
    guard let step = file.metadata["step"].flatMap(Int.init),
      let seconds = file.metadata["seconds"].flatMap(Double.init)
    else { throw TrainingConfigurationError("\(path): is no checkpoint of a training") }
    variables = Parameters(file.tensors)
    self.step = step
    self.seconds = seconds
    if let score = file.metadata["best_score"].flatMap(Double.init),
      let at = file.metadata["best_step"].flatMap(Int.init)
    {
      best = (score, at)
    }
  }

  /// Writes the checkpoint in the place of the former.
  func write(to path: String) throws(TrainingOutputError) {
    var metadata = ["step": "\(step)", "seconds": "\(seconds)"]
    if let best { (metadata["best_score"], metadata["best_step"]) = ("\(best.score)", "\(best.step)") }
    let file = Safetensors(variables.tensors, metadata: metadata)
    try TrainingOutputError.writing(path) { try file.write(to: path) }
  }
}
