/// Computes logits where an exporter's network wants them, channels first, where a 1 × 1 convolution is followed by nothing but that
/// transposition.
struct FusePlanes: GraphPass {
  /// More weights than this are better packed once than read as rows for each tile.
  private static let largestWeight = 1 << 16

  func apply(to graph: inout Graph) {
    graph.mergeIntoProducers { graph, consumer, producer in
      guard let transpose = consumer.operator as? Transpose, transpose.permutation == [0, 3, 1, 2],
        let convolution = producer.operator as? Convolution,
        convolution.geometry == ConvolutionGeometry(kernel: 1), !convolution.addsResidual,
        graph[producer.inputs[1]].spec.shape.elementCount <= FusePlanes.largestWeight
      else { return nil }
      var node = producer
      node.operator = PlanarConvolution(function: convolution.function)
      return node
    }
  }
}
