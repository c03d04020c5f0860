/// Computes logits where an exporter's network wants them, channels first, where a 1 × 1 convolution is followed by nothing but that
/// transposition.
struct FusePlanes: GraphPass {
  /// More weights than this are better packed once than read as rows for each tile.
  private static let largestWeight = 1 << 16

  func apply(to graph: inout Graph) {
    let reader = PatternReader(graph)
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      guard let transpose = node.operator as? Transpose, transpose.permutation == [0, 3, 1, 2],
        let producer = reader.onlyFor(node.inputs[0]), let convolution = producer.operator as? Convolution,
        convolution.geometry == ConvolutionGeometry(kernel: 1), !convolution.addsResidual,
        graph[producer.inputs[1]].spec.shape.elementCount <= FusePlanes.largestWeight
      else { continue }
      var fused = producer
      fused.operator = PlanarConvolution(function: convolution.function)
      fused.outputs = node.outputs
      fused.foldedNames += [node.name] + node.foldedNames
      graph.nodes[index] = fused
    }
    RemoveUnusedNodes().apply(to: &graph)
  }
}
