/// Removes operators that preserve the order of the elements before an operator that asks for nothing but that order: the classes of a
/// softmax are the classes of its logits.
///
/// Where rounding makes two probabilities equal, the logits still tell them apart: the labels are those of exact arithmetic.
struct RemoveOrderPreserving: NodeRewrite {
  func rewrite(_ node: Graph.NodeID, in editor: inout GraphEditor) {
    guard let axis = (editor[node].operator as? any OrderReading)?.axis else { return }
    while let producer = editor.soleProducer(of: editor[node].inputs[0]),
      let monotonic = editor[producer].operator as? any OrderPreserving,
      monotonic.preservesOrder(along: axis, of: editor.spec(of: editor[node].inputs[0]).shape)
    {
      let rest = editor[node].inputs.dropFirst()
      editor.replace(node, by: editor[node].operator, on: [editor[producer].inputs[0]] + rest)
    }
  }
}
