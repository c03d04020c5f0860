import SegEngine

/// A network's weights, as found in a checkpoint.
public struct LoadedParameters: Sendable {
  /// The weights, with the names of the network.
  public let parameters: Parameters
  /// The prefix of the network's names in the checkpoint, including dictionary keys, joined by dots. Empty if there is
  /// none.
  public let prefix: String
  /// Tensors next to the weights that the network does not have and that do not affect it, with their names in the
  /// file: losses, metrics, batch counters, and other parts of the saved module.
  public let leftOut: [String]
}
