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

  /// The file that is named, if any.
  var file: WeightsFile? { weights.map { WeightsFile(path: $0, key: checkpointKey) } }

  func validate() throws {
    if checkpointKey != nil, weights == nil { throw ValidationError("--checkpoint-key goes with --weights") }
  }
}

/// A file of weights, and which of them are read.
struct WeightsFile {
  let path: String
  var key: String?

  /// A network's weights. What lies among them and makes no difference is said on the standard error stream.
  func parameters(of network: any SegmentationNetwork, for graph: Graph) throws -> Parameters {
    let loaded = try Failure.about(path) {
      try network.parameters(from: Checkpoint(contentsOf: path), for: graph, key: key)
    }
    if let note = Self.note(on: loaded.leftOut) { printError("seg: \(path): \(note)") }
    return loaded.parameters
  }

  private static func note(on leftOut: [String]) -> String? {
    guard !leftOut.isEmpty else { return nil }
    let shown = leftOut.prefix(4).joined(separator: ", ") + (leftOut.count > 4 ? " and \(leftOut.count - 4) more" : "")
    return "left out \(shown), which the network does not have"
  }
}
