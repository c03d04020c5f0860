import SegEngine

extension SegmentationNetwork {
  /// The network's weights in a checkpoint.
  ///
  /// Weights are found by the network's parameter names, in any dictionary and with any prefix common to all names
  /// (`state_dict`, `model.`, `module._orig_mod.`) or to the names of a part (`encoder.model.`). ``checkpoints`` lists
  /// alternative names. Every parameter must be present with its shape. Any other tensor among the weights is an error,
  /// unless it does not affect the network (``LoadedParameters/leftOut``).
  ///
  /// - Parameters:
  ///   - checkpoint: The contents of a file.
  ///   - graph: The network's graph.
  ///   - key: Selects one of several matching sets of weights: the dictionary keys and the name prefix that lead to it,
  ///     or a part of them, joined by dots; `.` selects the names without a prefix.
  ///   - head: The source of the head's weights.
  /// - Throws: `ParameterError` with every missing, unused and mis-shaped name and every tensor of an unsupported kind;
  ///   ``CheckpointError`` if several sets of weights match or the key does not exist; any error from reading a damaged
  ///   file.
  public func parameters(
    from checkpoint: Checkpoint, for graph: Graph, key: String? = nil, head: CheckpointMapping.Head = .ofCheckpoint
  ) throws -> LoadedParameters {
    let search = CheckpointSearch(checkpoint, for: graph, mapping: checkpoints, head: head)
    return try search.loaded(key: key)
  }

  /// The network's weights among parameters in memory, found as in a checkpoint.
  ///
  /// - Throws: `ParameterError` with every missing, unused and mis-shaped name; ``CheckpointError``.
  public func parameters(
    from parameters: Parameters, for graph: Graph, key: String? = nil, head: CheckpointMapping.Head = .ofCheckpoint
  ) throws -> Parameters {
    try self.parameters(from: Checkpoint(parameters), for: graph, key: key, head: head).parameters
  }
}
