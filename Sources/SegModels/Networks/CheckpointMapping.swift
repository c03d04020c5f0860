import SegEngine

/// How the names in a family's checkpoints become those of its graphs, and which of them the graphs do without. What stands before
/// all names (`model.`, `module.`) is found by itself; a name that no rule covers stays as it is, and strict loading reports it
/// where the graph does not know it.
public struct CheckpointMapping: Sendable {
  /// Another beginning of a name.
  public struct Rename: Hashable, Sendable {
    /// What the checkpoint's names begin with.
    public let prefix: String
    /// What stands there instead.
    public let replacement: String

    /// Replaces `prefix` by `replacement`.
    ///
    /// - Precondition: `prefix` ends with a dot.
    public init(_ prefix: String, to replacement: String) {
      precondition(prefix.hasSuffix("."), "what is renamed is a whole component: \(prefix)")
      self.prefix = prefix
      self.replacement = replacement
    }
  }

  /// Where the weights of the head come from.
  public enum Head: Hashable, Sendable {
    /// From the checkpoint, like all others.
    case ofCheckpoint
    /// The checkpoint's are left out, as for another number of classes, and new ones are drawn.
    case drawn(seed: UInt64)
  }

  /// Applied to names that the graph does not know; the one of the shortest prefix that fits.
  public var renames: [Rename]
  /// Beginnings of the names of auxiliary heads. A graph without auxiliary outputs does without them; a graph with them needs them.
  public var auxiliary: [String]
  /// Beginnings of the names whose shapes depend on the number of classes, those of auxiliary heads among them.
  public var head: [String]
  /// Beginnings of the names of parts that checkpoints hold and the network does not use, such as an encoder's classifier.
  public var unused: [String]

  /// Makes a mapping.
  public init(
    renames: [Rename] = [], auxiliary: [String] = [], head: [String], unused: [String] = []
  ) {
    self.renames = renames
    self.auxiliary = auxiliary
    self.head = head
    self.unused = unused
  }

  /// Whether a name's shape depends on the number of classes.
  func isHead(_ name: some StringProtocol) -> Bool { head.contains { name.hasPrefix($0) } }

  /// Whether a name belongs to a part that checkpoints hold and a graph may do without.
  func isOptional(_ name: some StringProtocol) -> Bool { (auxiliary + unused).contains { name.hasPrefix($0) } }
}
