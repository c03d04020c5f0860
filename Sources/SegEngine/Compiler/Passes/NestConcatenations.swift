/// Lets a concatenation take another one whole instead of the same values in the same order, as in a densely connected block, where
/// each layer reads everything before it: [a, b] and [a, b, c] become [a, b] and [[a, b], c]. So each value is a part of one
/// concatenation only, and all of them can lie in one piece of memory (``MemorySharing``).
struct NestConcatenations: GraphPass {
  func apply(to graph: inout Graph) {
    // Concatenations so far as they were written, and the value that each is.
    var earlier: [(axis: Int, inputs: [Graph.ValueID], value: Graph.ValueID)] = []
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      guard let concat = node.operator as? Concat,
        let axis = graph[node.outputs[0]].spec.shape.normalizedAxis(concat.axis)
      else { continue }
      var inputs = node.inputs
      for other in earlier.sorted(by: { $0.inputs.count > $1.inputs.count }) where other.axis == axis {
        let count = other.inputs.count
        guard count >= 2, count < inputs.count else { continue }
        let start = (0...inputs.count - count).first { Array(inputs[$0..<$0 + count]) == other.inputs }
        if let start { inputs.replaceSubrange(start..<start + count, with: [other.value]) }
      }
      earlier.append((axis, node.inputs, node.outputs[0]))
      graph.nodes[index].inputs = inputs
    }
  }
}
