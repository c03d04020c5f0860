import SegEngine

/// Weights that cannot be located in a checkpoint.
public enum CheckpointError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The checkpoint holds no tensors.
  case noTensors
  /// Several different sets of weights match the network. One of the keys selects each.
  case severalFit(network: String, keys: [String])
  /// There is nothing under the key. The available keys are listed.
  case unknownKey(String, available: [String])

  /// The error in one line, with the remedy.
  public var description: String {
    switch self {
    case .noTensors:
      return "it contains no dictionary of tensors; save the weights by torch.save(model.state_dict(), file)"
    case .severalFit(let network, let keys):
      return
        "it contains several sets of weights that match \(network); choose one by its key: \(keys.joined(separator: ", "))"
    case .unknownKey(let key, let available):
      let shown = available.prefix(12).joined(separator: ", ")
      return "there is no key \(key); available keys: \(shown)"
        + (available.count > 12 ? " and \(available.count - 12) more" : "")
    }
  }
}
