/// What is computed behind a graph's outputs, which it replaces by its own.
///
/// Equal extensions add the same operators for the same shapes, so that a ``Model`` compiles a network with one once for each size.
package protocol GraphExtension: Hashable, Sendable {
  /// Adds operators behind the outputs of a graph, in their order, and states what the outputs are then.
  func extend(_ graph: GraphBuilder, outputs: [Value]) throws
}

extension Graph {
  /// The graph with an extension behind it, for the given input shapes.
  ///
  /// - Throws: ``GraphError`` where the graph cannot take the shapes, and what the extension throws.
  package func extended(by extension: some GraphExtension, for shapes: [String: Shape]) throws -> Graph {
    var graph = self
    for (index, spec) in try specs(forInputs: shapes).enumerated() { graph.values[index].spec = spec }
    let outputs = graph.outputs.map(\.value)
    graph.outputs = []
    let builder = GraphBuilder(continuing: graph)
    // The extension's lines are none of the network's author.
    builder.namesLines = false
    try `extension`.extend(builder, outputs: outputs.map { Value(builder: builder, id: $0) })
    return try builder.finish()
  }
}

extension GraphExtension {
  /// Whether another extension is the same.
  func isEqual(to other: any GraphExtension) -> Bool { (other as? Self) == self }
}
