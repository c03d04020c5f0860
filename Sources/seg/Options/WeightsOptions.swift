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
    let loaded: LoadedParameters
    do {
      loaded = try network.parameters(from: Checkpoint(contentsOf: path), for: graph, key: key)
    } catch let error as ParameterError {
      let way = Self.classes(of: error, network).map { "; the checkpoint is of \($0) classes: --classes \($0)" }
      throw Failure(.badInput, "\(path): \(error)\(way ?? "")")
    } catch let error as CheckpointError {
      let way = if case .severalFit = error { " (--checkpoint-key)" } else { "" }
      throw Failure(.badInput, "\(path): \(error)\(way)")
    }
    if let note = Self.note(on: loaded.leftOut) { printError("seg: \(path): \(note)") }
    return loaded.parameters
  }

  /// The number of classes of a checkpoint that differs in nothing else.
  private static func classes(of error: ParameterError, _ network: any SegmentationNetwork) -> Int? {
    guard error.missing.isEmpty, error.unused.isEmpty, error.unreadable.isEmpty else { return nil }
    var found: Set<Int> = []
    for weight in error.misshapen {
      let (actual, expected) = (weight.actual.shape.dimensions, weight.expected.shape.dimensions)
      guard network.checkpoints.head.contains(where: weight.name.hasPrefix), actual.count == expected.count else {
        return nil
      }
      for (actual, expected) in zip(actual, expected) where actual != expected {
        guard expected == network.classes else { return nil }
        found.insert(actual)
      }
    }
    return found.count == 1 ? found.first : nil
  }

  private static func note(on leftOut: [String]) -> String? {
    guard !leftOut.isEmpty else { return nil }
    let shown = leftOut.prefix(4).joined(separator: ", ") + (leftOut.count > 4 ? " and \(leftOut.count - 4) more" : "")
    return "left out \(shown), which the network does not have"
  }
}
