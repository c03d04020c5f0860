/// Makes one of two transpositions, or of two reshapes, that follow each other. If they cancel, what is left does nothing, and
/// ``DropIdentities`` takes it away.
///
/// The first stays where somebody else reads it; the second costs no more on its input.
struct ComposeMovements: GraphPass {
  func apply(to graph: inout Graph) {
    let producers = graph.producers
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      guard let operand = node.inputs.first, let producer = producers[operand.index].map({ graph.nodes[$0] }),
        producer.outputs.count == 1,
        let composed = (node.operator as? any Movement)?.composed(
          after: producer.operator, inputs: graph.inputSpecs(of: producer), outputs: graph.outputSpecs(of: node))
      else { continue }
      graph.nodes[index].operator = composed
      graph.nodes[index].inputs = [producer.inputs[0]]
    }
    RemoveUnusedNodes().apply(to: &graph)
  }
}
