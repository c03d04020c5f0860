/// Lets an operator compute one of its operands itself, some pixels at a time, where nothing else reads it: arg-max without the resized
/// logits, a sum with a resized map without that map.
struct AbsorbProducers: NodeRewrite {
  func rewrite(_ node: Graph.NodeID, in editor: inout GraphEditor) {
    guard let absorbing = editor[node].operator as? any ProducerAbsorbing else { return }
    let inputs = editor[node].inputs
    for (position, operand) in inputs.enumerated() {
      guard let producer = editor.soleProducer(of: operand), editor[producer].outputs.count == 1,
        let merged = absorbing.absorbing(
          editor[producer].operator, at: position, inputs: editor.inputSpecs(of: node))
      else { continue }
      var others = inputs
      others.remove(at: position)
      editor.replace(node, by: merged, on: [editor[producer].inputs[0]] + others)
      return
    }
  }
}
