import SegEngine

/// How the names in a family's checkpoints become those of its graphs. Every rule is written down here or in the family's
/// mapping; a name that no rule covers stays as it is, and strict loading reports it where the graph does not know it.
public struct CheckpointMapping: Sendable {
  /// Another beginning of a name.
  public struct Rename: Hashable, Sendable {
    /// What the checkpoint's names begin with.
    public let prefix: String
    /// What stands there instead.
    public let replacement: String

    /// Replaces `prefix` by `replacement`.
    public init(_ prefix: String, to replacement: String) {
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

  /// What wraps a whole network when it is saved (`DataParallel`, Lightning, a trainer's attribute): taken away where every
  /// name begins with it, as often as that is so.
  public static let wrappers = ["module.", "model.", "net.", "network.", "_orig_mod."]

  /// Applied to each name after the wrappers are gone; the first whose prefix fits.
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

  /// The checkpoint's weights under the graph's names.
  public func callAsFunction(_ checkpoint: Parameters, for graph: Graph, head: Head = .ofCheckpoint) -> Parameters {
    let known = Set(graph.parameters.map(\.name)).union(graph.unneededParameters)
    var wrapper = ""
    while let next = Self.wrappers.first(where: { prefix in
      !checkpoint.tensors.isEmpty && checkpoint.tensors.keys.allSatisfy { $0.hasPrefix(wrapper + prefix) }
        && !known.contains { $0.hasPrefix(prefix) }
    }) {
      wrapper += next
    }
    var mapped = Parameters()
    for (key, tensor) in checkpoint.tensors {
      let name = renamed(String(key.dropFirst(wrapper.count)))
      let isLeftOut = !known.contains(name) && (auxiliary + unused).contains { name.hasPrefix($0) }
      if !isLeftOut { mapped[name] = tensor }
    }
    if case .drawn(let seed) = head {
      for name in mapped.names where isHead(name) { mapped[name] = nil }
      mapped.tensors.merge(Parameters(initializing: graph, seed: seed, where: isHead).tensors) { $1 }
    }
    return mapped
  }

  private func isHead(_ name: String) -> Bool { head.contains { name.hasPrefix($0) } }

  private func renamed(_ name: String) -> String {
    guard let rename = renames.first(where: { name.hasPrefix($0.prefix) }) else { return name }
    return rename.replacement + name.dropFirst(rename.prefix.count)
  }
}
