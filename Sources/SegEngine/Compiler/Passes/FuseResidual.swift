/// Lets the operator that computes one term of a sum add the other, so that a residual block's sum is made while a tile is in cache.
///
/// The operator moves to the sum's place, where the other term is known. Terms that broadcast stay as they are.
struct FuseResidual: GraphPass {
  func apply(to graph: inout Graph) {
    var producers: [Graph.ValueID: Int] = [:]
    for (index, node) in graph.nodes.enumerated() {
      for output in node.outputs { producers[output] = index }
    }
    let useCounts = graph.useCounts
    var gone = Set<Int>()
    for index in graph.nodes.indices {
      let sum = graph.nodes[index]
      guard let plain = sum.operator as? any PlainSum, plain.isPlainSum,
        graph[sum.inputs[0]].spec == graph[sum.inputs[1]].spec, sum.inputs[0] != sum.inputs[1]
      else { continue }
      // The later term: what the sum waits for has least to wait for itself.
      let terms = [0, 1].sorted { producers[sum.inputs[$0], default: -1] > producers[sum.inputs[$1], default: -1] }
      for term in terms {
        guard useCounts[sum.inputs[term].index] == 1, let producer = producers[sum.inputs[term]],
          !gone.contains(producer),
          let merged = (graph.nodes[producer].operator as? any ResidualAbsorbing)?.absorbingResidual()
        else { continue }
        var node = graph.nodes[producer]
        node.operator = merged
        node.inputs.append(sum.inputs[1 - term])
        node.outputs = sum.outputs
        graph.nodes[index] = node
        producers[sum.outputs[0]] = index
        gone.insert(producer)
        break
      }
    }
    graph.nodes = graph.nodes.enumerated().filter { !gone.contains($0.offset) }.map(\.element)
  }
}
