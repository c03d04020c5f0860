import SegEngine

/// Maps the parameter names in a family's checkpoints to those of its graphs, and lists the names that a graph may
/// ignore.
///
/// A prefix common to all names (`model.`, `module.`) is found automatically. A name that no rule matches stays
/// unchanged; strict loading reports it if the graph has no such parameter.
public struct CheckpointMapping: Sendable {
  /// Replaces a prefix of a name.
  public struct Rename: Hashable, Sendable {
    /// The prefix in the checkpoint.
    public let prefix: String
    /// The prefix in the graph.
    public let replacement: String

    /// Replaces `prefix` by `replacement`.
    ///
    /// - Precondition: `prefix` ends with a dot.
    public init(_ prefix: String, to replacement: String) {
      precondition(prefix.hasSuffix("."), "a renamed prefix must end with a dot: \(prefix)")
      self.prefix = prefix
      self.replacement = replacement
    }
  }

  /// The source of the head's weights.
  public enum Head: Hashable, Sendable {
    /// The checkpoint, as for all other weights.
    case ofCheckpoint
    /// A random initialisation. The head in the checkpoint is ignored, for instance because its number of classes
    /// differs.
    case drawn(seed: UInt64)
  }

  /// The renames. They apply to names that the graph does not have; the shortest matching prefix wins.
  public var renames: [Rename]
  /// Prefixes of the auxiliary heads' names. A graph without auxiliary outputs ignores them; a graph with auxiliary
  /// outputs requires them.
  public var auxiliary: [String]
  /// Prefixes of the names whose shapes depend on the number of classes, auxiliary heads included.
  public var head: [String]
  /// Prefixes of parts that checkpoints contain and the network does not use, such as an encoder's classifier.
  public var unused: [String]

  /// Creates a mapping.
  public init(
    renames: [Rename] = [], auxiliary: [String] = [], head: [String], unused: [String] = []
  ) {
    self.renames = renames
    self.auxiliary = auxiliary
    self.head = head
    self.unused = unused
  }

  /// Whether the shape of a parameter depends on the number of classes.
  func isHead(_ name: some StringProtocol) -> Bool { head.contains { name.hasPrefix($0) } }

  /// Whether a name belongs to a part of the checkpoint that a graph may ignore.
  func isOptional(_ name: some StringProtocol) -> Bool { (auxiliary + unused).contains { name.hasPrefix($0) } }
}
