/// Lets an operator compute its operand itself, some pixels at a time, where nobody else reads it: the class of each pixel without
/// the resized logits, a sum with a resized map without that map.
struct AbsorbProducers: GraphPass {
  func apply(to graph: inout Graph) {
    let producers = graph.producers
    let useCounts = graph.useCounts
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      guard let absorbing = node.operator as? any ProducerAbsorbing else { continue }
      for (position, operand) in node.inputs.enumerated() where useCounts[operand.index] == 1 {
        guard let producer = producers[operand.index].map({ graph.nodes[$0] }), producer.outputs.count == 1,
          let merged = absorbing.absorbing(producer.operator, at: position, inputs: graph.inputSpecs(of: node))
        else { continue }
        graph.nodes[index].operator = merged
        graph.nodes[index].inputs.remove(at: position)
        graph.nodes[index].inputs.insert(producer.inputs[0], at: 0)
        break
      }
    }
    RemoveUnusedNodes().apply(to: &graph)
  }
}
