/// Lets an operator write its output in the order of axes that the permutation behind it gives: logits with their channels first, as
/// exporters' networks end.
struct FuseTransposition: PairRewrite {
  func join(_ consumer: Graph.NodeID, with producer: Graph.NodeID, in editor: inout GraphEditor) {
    guard let transposition = editor[consumer].operator as? any AxisPermuting,
      let merged = (editor[producer].operator as? any PermutationAbsorbing)?.absorbing(
        permutation: transposition.permutation, inputs: editor.inputSpecs(of: producer))
    else { return }
    editor.merge(consumer, into: producer, as: merged)
  }
}
