/// Removes nodes that change nothing, so that the operators on both sides of them meet: dropout, padding and slices of nothing for the
/// given sizes, a concatenation of one, a reshape to the same shape, a permutation that keeps the order of axes.
struct RemoveIdentities: NodeRewrite {
  func rewrite(_ node: Graph.NodeID, in editor: inout GraphEditor) {
    let (inputs, outputs) = (editor.inputSpecs(of: node), editor.outputSpecs(of: node))
    guard outputs.count == 1,
      let input = editor[node].operator.forwardedInput(inputs: inputs, outputs: outputs), inputs[input] == outputs[0]
    else { return }
    editor.redirect(editor[node].outputs[0], to: editor[node].inputs[input])
  }
}
