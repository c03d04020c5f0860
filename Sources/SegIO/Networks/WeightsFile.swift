import SegEngine
import SegModels
import SegWeights

/// A file of weights, with the key of the set of weights that is read.
package struct WeightsFile: Sendable {
  package let path: String
  /// The key of the set, such as `model_ema`; `nil` if there is only one.
  package var key: String?

  package init(path: String, key: String? = nil) {
    self.path = path
    self.key = key
  }

  /// Loads a network's weights.
  ///
  /// - Throws: `WeightsError` if the file cannot be read, ``NetworkError/weights(path:error:classes:)`` if it does not fit.
  package func parameters(of network: any SegmentationNetwork, for graph: Graph) throws -> LoadedParameters {
    do {
      return try network.parameters(from: Checkpoint(contentsOf: path), for: graph, key: key)
    } catch let error as ParameterError {
      throw NetworkError.weights(path: path, error: error, classes: Self.classes(of: error, network))
    } catch let error as CheckpointError {
      throw NetworkError.weights(path: path, error: error, classes: nil)
    }
  }

  /// Returns the number of classes of a checkpoint if that is the only difference, else `nil`.
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
