import ArgumentParser
import SegEngine
import SegIO
import SegModels

/// The file of a named network's weights on the command line.
struct WeightsOptions: ParsableArguments {
  @Option(help: .weights)
  var weights: String?

  @Option(
    help: ArgumentHelp(
      "Which of several sets of weights in the file is read, as `model_ema` or `state_dict.ema`.", valueName: "key"))
  var checkpointKey: String?

  /// The given file, if any.
  var file: WeightsFile? { weights.map { WeightsFile(path: $0, key: checkpointKey) } }

  func validate() throws {
    if checkpointKey != nil, weights == nil { throw ValidationError("--checkpoint-key goes with --weights") }
  }
}
