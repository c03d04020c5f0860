/// Operators that are added after a graph's outputs, and that replace these by outputs of their own.
///
/// Equal extensions add the same operators for the same shapes, so a ``Model`` compiles a network with equal extensions once per size.
package protocol GraphExtension: Hashable, Sendable {
  /// Adds operators after the outputs of a graph, given in order, and sets the new outputs.
  func extend(_ graph: GraphBuilder, outputs: [Value]) throws
}

extension Graph {
  /// Returns the graph with an extension, for the given input shapes.
  ///
  /// - Throws: ``GraphError`` if the graph does not support the shapes, and the errors of the extension.
  package func extended(by extension: some GraphExtension, for shapes: [String: Shape]) throws -> Graph {
    var graph = self
    for (index, spec) in try specs(forInputs: shapes).enumerated() { graph.values[index].spec = spec }
    let outputs = graph.outputs.map(\.value)
    graph.outputs = []
    let builder = GraphBuilder(continuing: graph)
    // The lines of the extension are not in the network author's code.
    builder.namesLines = false
    try `extension`.extend(builder, outputs: outputs.map { Value(builder: builder, id: $0) })
    return try builder.finish()
  }
}

extension GraphExtension {
  /// Returns whether another extension is equal.
  func isEqual(to other: any GraphExtension) -> Bool { (other as? Self) == self }
}
