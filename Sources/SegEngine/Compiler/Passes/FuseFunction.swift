/// Lets an operator apply the activation that follows it to its own output, tile by tile, while the tile is in cache.
struct FuseFunction: GraphPass {
  func apply(to graph: inout Graph) {
    graph.mergeIntoProducers { _, consumer, producer in
      guard let pointwise = consumer.operator as? any Pointwise,
        let merged = (producer.operator as? any FunctionAbsorbing)?.absorbing(pointwise.function)
      else { return nil }
      var node = producer
      node.operator = merged
      return node
    }
  }
}
