/// What a rewrite has done to one node.
public struct GraphChange: Sendable, CustomStringConvertible {
  /// The name of the rewrite.
  public let rewrite: String
  /// The node's name.
  public let node: String
  /// The operator that the node had, with its attributes; empty for a node that was added.
  public let before: String
  /// The operator that the node has then; empty for a node that was removed.
  public let after: String

  public var description: String {
    switch (before.isEmpty, after.isEmpty) {
    case (true, _): "\(rewrite): + \(node): \(after)"
    case (_, true): "\(rewrite): − \(node): \(before)"
    default: "\(rewrite): \(node): \(before) → \(after)"
    }
  }
}
