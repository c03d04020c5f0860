extension Parameters {
  /// Checks that these are exactly the weights of a graph, in the right shapes.
  ///
  /// - Throws: ``ParameterError`` with every missing, unused and mis-shaped name.
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

/// An error for weights that do not match a graph.
public struct ParameterError: Error, Sendable, CustomStringConvertible {
  /// A weight of another shape or type.
  public struct Mismatch: Sendable {
    /// The weight's name.
    public let name: String
    /// The shape and type that the graph needs.
    public let expected: TensorSpec
    /// The shape and type in the checkpoint.
    public let actual: TensorSpec

    package init(name: String, expected: TensorSpec, actual: TensorSpec) {
      self.name = name
      self.expected = expected
      self.actual = actual
    }
  }

  /// The graph's name.
  public let graph: String
  /// Names that the graph needs and the checkpoint lacks.
  public let missing: [String]
  /// Names in the checkpoint that the graph does not use.
  public let unused: [String]
  /// Weights of another shape or type.
  public let misshapen: [Mismatch]
  /// Tensors of unsupported kinds, by name, each with the kind and how to save it instead.
  public let unreadable: [Unreadable]

  /// A tensor of an unsupported kind.
  public struct Unreadable: Sendable {
    /// The tensor's name.
    public let name: String
    /// The kind, as text that continues a sentence beginning with the name.
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
