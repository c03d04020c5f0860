/// Lets a concatenation take another one as a whole instead of the same values in the same order, as in a densely connected block, where
/// each layer reads everything before it: [a, b] and [a, b, c] become [a, b] and [[a, b], c]. Each value is then a part of one
/// concatenation only, and all of them can lie in one piece of memory (``MemorySharing``).
struct NestConcatenations: GraphRewrite {
  func apply(to editor: inout GraphEditor) {
    // The concatenations so far with the inputs that they had, and the value of each.
    var earlier: [(axis: Int, inputs: [Graph.ValueID], value: Graph.ValueID)] = []
    for id in editor.nodes {
      let node = editor[id]
      guard let concatenation = node.operator as? any Joining,
        let axis = editor.spec(of: node.outputs[0]).shape.normalizedAxis(concatenation.axis)
      else { continue }
      var inputs = node.inputs
      for other in earlier.sorted(by: { $0.inputs.count > $1.inputs.count }) where other.axis == axis {
        let count = other.inputs.count
        guard count >= 2, count < inputs.count else { continue }
        let start = (0...inputs.count - count).first { Array(inputs[$0..<$0 + count]) == other.inputs }
        if let start { inputs.replaceSubrange(start..<start + count, with: [other.value]) }
      }
      earlier.append((axis, node.inputs, node.outputs[0]))
      if inputs != node.inputs { editor.replace(id, by: node.operator, on: inputs) }
    }
  }
}
