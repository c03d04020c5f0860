import SegEngine

/// A network's weights as they were found in a checkpoint.
public struct LoadedParameters: Sendable {
  /// The weights under the names of the network.
  public let parameters: Parameters
  /// What stands before the network's names in the checkpoint, keys of dictionaries included, joined by dots; empty where nothing
  /// does.
  public let prefix: String
  /// Tensors among the weights that the network does not have and that make no difference to it, under the names of the file:
  /// those of losses and metrics, batch counters, and what lies beside the network in the module that was saved.
  public let leftOut: [String]
}

/// Weights that cannot be chosen from a checkpoint.
public enum CheckpointError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The checkpoint holds no tensors.
  case noTensors
  /// Several sets of weights that differ fit the network. The keys choose among them.
  case severalFit(network: String, keys: [String])
  /// Nothing lies under the key; the keys that are there.
  case unknownKey(String, available: [String])

  /// One line that says what to do.
  public var description: String {
    switch self {
    case .noTensors:
      return "it holds no dictionary of tensors; save the weights by torch.save(model.state_dict(), file)"
    case .severalFit(let network, let keys):
      return
        "it holds several sets of weights that fit \(network); choose one by its key: \(keys.joined(separator: ", "))"
    case .unknownKey(let key, let available):
      let shown = available.prefix(12).joined(separator: ", ")
      return "nothing lies under the key \(key), but under \(shown)"
        + (available.count > 12 ? " and \(available.count - 12) more" : "")
    }
  }
}

extension SegmentationNetwork {
  /// The network's weights in a checkpoint.
  ///
  /// They are found by the network's own names, wherever they lie and whatever stands before all of them (`state_dict`, `model.`,
  /// `module._orig_mod.`) or before those of a part (`encoder.model.`); ``checkpoints`` says which other names they may have. All
  /// must be there in their shapes. What else lies among them is an error, unless it makes no difference
  /// (``LoadedParameters/leftOut``).
  ///
  /// - Parameters:
  ///   - checkpoint: The contents of a file.
  ///   - graph: The network's graph.
  ///   - key: Where several sets of weights fit: the keys of dictionaries and the beginning of the names that lead to the one to be
  ///     read, or a part of them, joined by dots; `.` for the names that have nothing before them.
  ///   - head: Where the weights of the head come from.
  /// - Throws: `ParameterError` that lists every missing, unused and mis-shaped name and every tensor of a kind that is not read;
  ///   ``CheckpointError`` where several sets of weights fit, or none lies under the key; and what reading a damaged file throws.
  public func parameters(
    from checkpoint: Checkpoint, for graph: Graph, key: String? = nil, head: CheckpointMapping.Head = .ofCheckpoint
  ) throws -> LoadedParameters {
    let search = CheckpointSearch(checkpoint, for: graph, mapping: checkpoints, head: head)
    return try search.loaded(key: key)
  }

  /// The network's weights among parameters that are in memory, found as ``parameters(from:for:key:head:)-checkpoint`` does.
  ///
  /// - Throws: `ParameterError` that lists every missing, unused and mis-shaped name; ``CheckpointError``.
  public func parameters(
    from parameters: Parameters, for graph: Graph, key: String? = nil, head: CheckpointMapping.Head = .ofCheckpoint
  ) throws -> Parameters {
    try self.parameters(from: Checkpoint(parameters), for: graph, key: key, head: head).parameters
  }
}
