/// Lets a convolution take the 2 × 2 maxima of its result itself, whoever else reads the result.
struct FusePooling: GraphPass {
  func apply(to graph: inout Graph) {
    let producers = graph.producers
    for index in graph.nodes.indices {
      guard let pool = graph.nodes[index].operator as? MaxPool, pool == PoolingConvolution.pool,
        let place = producers[graph.nodes[index].inputs[0].index],
        let convolution = graph.nodes[place].operator as? Convolution
      else { continue }
      graph.nodes[place].operator = PoolingConvolution(convolution: convolution)
      graph.nodes[place].outputs += graph.nodes[index].outputs
      graph.nodes[index].outputs = []
    }
    graph.nodes.removeAll { $0.outputs.isEmpty }
  }
}
