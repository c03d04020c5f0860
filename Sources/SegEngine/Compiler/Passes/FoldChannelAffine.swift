/// Folds a scale and shift a channel (batch normalisation, a sum or product with constants) into the weights and bias of the
/// convolution before it: s · (W x + b) + t = (s W) x + (s b + t).
struct FoldChannelAffine: GraphPass {
  func apply(to graph: inout Graph) {
    graph.mergeIntoProducers { graph, consumer, producer in
      guard let affine = consumer.operator as? any ChannelAffine,
        let absorbing = producer.operator as? any ChannelAffineAbsorbing,
        let (scale, shift) = affine.channelAffine(
          constants: graph.constants(of: consumer), channels: graph[consumer.outputs[0]].spec.shape.channels),
        graph[producer.outputs[0]].spec == graph[consumer.outputs[0]].spec,
        let (merged, constants) = absorbing.absorbing(
          scale: scale, shift: shift, constants: graph.constants(of: producer))
      else { return nil }
      var node = producer
      node.operator = merged
      node.inputs = [producer.inputs[0]] + constants.map { graph.addConstant($0) }
      let useCounts = graph.useCounts
      for old in producer.inputs.dropFirst() where useCounts[old.index] == 1 { graph.forgetConstant(old.index) }
      node.foldedNames.append(consumer.name)
      return node
    }
  }
}
