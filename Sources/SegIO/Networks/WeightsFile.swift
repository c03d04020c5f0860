import SegEngine
import SegModels
import SegWeights

/// A file of weights, and which of the sets of weights in it is read.
package struct WeightsFile: Sendable {
  package let path: String
  /// The key of the set, as `model_ema`; `nil` where there is one.
  package var key: String?

  package init(path: String, key: String? = nil) {
    self.path = path
    self.key = key
  }

  /// A network's weights.
  ///
  /// - Throws: `WeightsError` where the file cannot be read, ``NetworkError/weights(path:error:classes:)`` where it does not fit.
  package func parameters(of network: any SegmentationNetwork, for graph: Graph) throws -> LoadedParameters {
    do {
      return try network.parameters(from: Checkpoint(contentsOf: path), for: graph, key: key)
    } catch let error as ParameterError {
      throw NetworkError.weights(path: path, error: error, classes: Self.classes(of: error, network))
    } catch let error as CheckpointError {
      throw NetworkError.weights(path: path, error: error, classes: nil)
    }
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
}
