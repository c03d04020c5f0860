/// Lets an operator apply the activation that follows it to its own output, while the output is in cache.
struct FuseFunction: PairRewrite {
  func join(_ consumer: Graph.NodeID, with producer: Graph.NodeID, in editor: inout GraphEditor) {
    guard let pointwise = editor[consumer].operator as? any Pointwise,
      let merged = (editor[producer].operator as? any FunctionAbsorbing)?.absorbing(pointwise.function)
    else { return }
    editor.merge(consumer, into: producer, as: merged)
  }
}
