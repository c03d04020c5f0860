/// Leaves out what does not change which element is the largest, where nothing but that is asked: the classes of a softmax are the
/// classes of its logits.
///
/// Where rounding makes two probabilities equal, the logits still tell them apart: the labels are those of exact arithmetic.
struct DropMonotonic: GraphPass {
  func apply(to graph: inout Graph) {
    let producers = graph.producers
    let useCounts = graph.useCounts
    for index in graph.nodes.indices {
      guard let axis = (graph.nodes[index].operator as? any OrderReading)?.axis else { continue }
      while true {
        let operand = graph.nodes[index].inputs[0]
        guard let producer = producers[operand.index].map({ graph.nodes[$0] }),
          let monotonic = producer.operator as? any OrderKeeping,
          monotonic.keepsOrder(along: axis, of: graph[operand].spec.shape),
          useCounts[operand.index] == 1
        else { break }
        graph.nodes[index].inputs[0] = producer.inputs[0]
      }
    }
    RemoveUnusedNodes().apply(to: &graph)
  }
}
