/// Lets a convolution compute the 2 × 2 maxima of its result as a second output, whatever else reads the result.
struct FusePooling: NodeRewrite {
  func rewrite(_ node: Graph.NodeID, in editor: inout GraphEditor) {
    guard let operand = editor[node].inputs.first, let producer = editor.producer(of: operand),
      editor[producer].outputs == [operand],
      let merged = (editor[producer].operator as? any ConsumerAbsorbing)?.computingAlso(editor[node].operator)
    else { return }
    editor.merge(node, into: producer, as: merged, keepingOutputs: true)
  }
}
