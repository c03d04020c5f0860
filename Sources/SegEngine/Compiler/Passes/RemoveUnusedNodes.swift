/// Drops the nodes of which no output is read.
struct RemoveUnusedNodes: GraphPass {
  func apply(to graph: inout Graph) {
    var needed = Set(graph.outputs.map(\.value))
    var kept: [Graph.Node] = []
    for node in graph.nodes.reversed() where node.outputs.contains(where: needed.contains) {
      kept.append(node)
      needed.formUnion(node.inputs)
    }
    graph.nodes = kept.reversed()
  }
}
