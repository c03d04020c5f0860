/// Replaces two permutations of axes, or two reshapes, that follow each other by one. ``RemoveIdentities`` removes what is left of two
/// that cancel.
///
/// The first stays where something else reads it; the second costs no more on its input.
struct ComposeMovements: NodeRewrite {
  func rewrite(_ node: Graph.NodeID, in editor: inout GraphEditor) {
    guard let movement = editor[node].operator as? any Movement, let operand = editor[node].inputs.first,
      let producer = editor.producer(of: operand), editor[producer].outputs.count == 1,
      let composed = movement.composed(
        after: editor[producer].operator, inputs: editor.inputSpecs(of: producer),
        outputs: editor.outputSpecs(of: node))
    else { return }
    editor.replace(node, by: composed, on: [editor[producer].inputs[0]])
  }
}
