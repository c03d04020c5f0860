extension Parameters {
  /// Checks that these are the weights of a graph: every one that it needs in its shape, and none besides.
  ///
  /// - Throws: ``ParameterError`` that lists every missing, unused and mis-shaped name.
  public func validate(for graph: Graph) throws(ParameterError) {
    let needed = Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.name, $0) })
    let missing = graph.parameters.map(\.name).filter { self[$0] == nil }
    let unused = names.filter { needed[$0] == nil && !graph.ignoredCheckpointKeys.contains($0) }
    let misshapen = graph.parameters.compactMap { info -> ParameterError.Mismatch? in
      guard let tensor = self[info.name], tensor.spec != info.spec else { return nil }
      return .init(name: info.name, expected: info.spec, actual: tensor.spec)
    }
    guard missing.isEmpty, unused.isEmpty, misshapen.isEmpty else {
      throw ParameterError(graph: graph.name, missing: missing, unused: unused, misshapen: misshapen)
    }
  }
}

/// A set of weights that is not that of the graph.
public struct ParameterError: Error, Sendable, CustomStringConvertible {
  /// A weight of another shape or type.
  public struct Mismatch: Sendable {
    /// The weight's name.
    public let name: String
    /// What the graph needs.
    public let expected: TensorSpec
    /// What the checkpoint has.
    public let actual: TensorSpec

    package init(name: String, expected: TensorSpec, actual: TensorSpec) {
      self.name = name
      self.expected = expected
      self.actual = actual
    }
  }

  /// The graph's name.
  public let graph: String
  /// Names that the graph needs and the checkpoint has not.
  public let missing: [String]
  /// Names that the checkpoint has and the graph does not know.
  public let unused: [String]
  /// Weights of another shape or type.
  public let misshapen: [Mismatch]
  /// Tensors of kinds that are not read, by name, each with what it is and how to save it.
  public let unreadable: [Unreadable]

  /// A tensor of a kind that is not read.
  public struct Unreadable: Sendable {
    /// The tensor's name.
    public let name: String
    /// What it is, as the rest of a sentence that begins with the name.
    public let reason: String

    package init(name: String, reason: String) {
      self.name = name
      self.reason = reason
    }
  }

  package init(
    graph: String, missing: [String], unused: [String], misshapen: [Mismatch], unreadable: [Unreadable] = []
  ) {
    self.graph = graph
    self.missing = missing
    self.unused = unused
    self.misshapen = misshapen
    self.unreadable = unreadable
  }

  public var description: String {
    func list(_ names: [String]) -> String {
      names.prefix(4).joined(separator: ", ") + (names.count > 4 ? " and \(names.count - 4) more" : "")
    }
    var parts: [String] = []
    if let first = unreadable.first {
      parts.append("\(first.name) \(first.reason)")
      if unreadable.count > 1 {
        parts.append("other kinds that are not read: \(list(unreadable.dropFirst().map(\.name)))")
      }
    }
    if !missing.isEmpty { parts.append("missing \(list(missing))") }
    if !unused.isEmpty { parts.append("unused \(list(unused))") }
    if !misshapen.isEmpty {
      parts.append("of another shape " + list(misshapen.map { "\($0.name) (\($0.actual), expected \($0.expected))" }))
    }
    return "the weights are not those of \(graph): " + parts.joined(separator: "; ")
  }
}
