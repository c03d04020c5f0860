/// Makes zeros around a feature map the padding of the convolutions and poolings that read it, so that the map with its border is
/// never written. Only if all its readers take it: otherwise the bordered map exists anyway.
struct MergePadding: GraphPass {
  func apply(to graph: inout Graph) {
    // The last paddings first, so that the padding of a padded map is merged too.
    for index in graph.nodes.indices.reversed() {
      let node = graph.nodes[index]
      guard node.outputs.count == 1, !graph.isOutput(node.outputs[0]),
        let padding = (node.operator as? any ZeroPadding)?.zeroPadding(
          inputs: graph.inputSpecs(of: node), outputs: graph.outputSpecs(of: node))
      else { continue }
      let padded = node.outputs[0]
      let readers = graph.nodes.indices.filter { graph.nodes[$0].inputs.contains(padded) }
      let merged = readers.map { reader -> (any Operator)? in
        guard graph.nodes[reader].inputs.filter({ $0 == padded }).count == 1, graph.nodes[reader].inputs[0] == padded
        else { return nil }
        return (graph.nodes[reader].operator as? any PaddingAbsorbing)?.absorbing(padding)
      }
      guard merged.allSatisfy({ $0 != nil }) else { continue }
      for (reader, merged) in zip(readers, merged) {
        graph.nodes[reader].operator = merged!
        graph.nodes[reader].inputs[0] = node.inputs[0]
      }
      graph.nodes.remove(at: index)
    }
  }
}
