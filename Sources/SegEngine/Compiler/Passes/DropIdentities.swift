/// Drops nodes that do nothing, so that the operators on both sides of them meet: dropout, padding and slices of nothing for the
/// given sizes, a concatenation of one, a reshape or an order of axes that is the one it was.
struct DropIdentities: GraphPass {
  func apply(to graph: inout Graph) {
    var replacements: [Graph.ValueID: Graph.ValueID] = [:]
    var kept: [Graph.Node] = []
    for var node in graph.nodes {
      node.inputs = node.inputs.map { replacements[$0] ?? $0 }
      let (inputs, outputs) = (graph.inputSpecs(of: node), graph.outputSpecs(of: node))
      if outputs.count == 1, let input = node.operator.forwardedInput(inputs: inputs, outputs: outputs),
        inputs[input] == outputs[0]
      {
        replacements[node.outputs[0]] = node.inputs[input]
      } else {
        kept.append(node)
      }
    }
    graph.nodes = kept
    for index in graph.outputs.indices {
      let value = graph.outputs[index].value
      graph.outputs[index].value = replacements[value] ?? value
    }
  }
}
