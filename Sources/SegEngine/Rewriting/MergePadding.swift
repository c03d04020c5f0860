/// Makes zeros around a feature map the padding of the convolutions and poolings that read it, so that the padded map is never written.
/// It needs all readers to take the zeros: otherwise the padded map exists anyway.
struct MergePadding: GraphRewrite {
  func apply(to editor: inout GraphEditor) {
    // The last paddings first, so that the padding of a padded map is merged too.
    for node in editor.nodes.reversed() { merge(node, in: &editor) }
  }

  private func merge(_ node: Graph.NodeID, in editor: inout GraphEditor) {
    guard editor[node].outputs.count == 1, !editor.isResult(editor[node].outputs[0]),
      let padding = (editor[node].operator as? any ZeroPadding)?.zeroPadding(
        inputs: editor.inputSpecs(of: node), outputs: editor.outputSpecs(of: node))
    else { return }
    let padded = editor[node].outputs[0]
    var merged: [(reader: Graph.NodeID, operator: any Operator)] = []
    for reader in editor.readers(of: padded) {
      let inputs = editor[reader].inputs
      guard inputs[0] == padded, !inputs.dropFirst().contains(padded),
        let absorbing = (editor[reader].operator as? any PaddingAbsorbing)?.absorbing(padding)
      else { return }
      merged.append((reader, absorbing))
    }
    let source = editor[node].inputs[0]
    for (reader, absorbing) in merged {
      editor.replace(reader, by: absorbing, on: [source] + editor[reader].inputs.dropFirst())
    }
  }
}
