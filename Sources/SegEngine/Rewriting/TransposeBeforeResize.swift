/// Moves channels in front of height and width before a map is enlarged, not after. An exporter's network ends with its logits resized
/// to the image, channels first. What is permuted is then as small as the logits, and the large map is written once, in the order that
/// is wanted: a plane for each channel, each resized like an image of one channel.
struct TransposeBeforeResize: NodeRewrite {
  func rewrite(_ node: Graph.NodeID, in editor: inout GraphEditor) {
    guard editor.permutes(node, [0, 3, 1, 2]), let producer = editor.soleProducer(of: editor[node].inputs[0]) else {
      return
    }
    let (small, large) = (editor.inputSpecs(of: producer)[0], editor.spec(of: editor[node].inputs[0]))
    guard small.elementType == .float32, large.shape.elementCount > 2 * small.shape.elementCount,
      let resize = (editor[producer].operator as? any PlaneWise)?.perPlane(input: small, output: large)
    else { return }
    let (n, c) = (small.shape.batch, small.shape.channels)
    let name = editor[node].name
    let moved = editor.insert(
      Transpose([0, 3, 1, 2]), named: name + ".small", on: [editor[producer].inputs[0]], before: node)
    let planes = editor.insert(
      Reshape(to: .dimensions([n * c, small.shape.height, small.shape.width, 1])), named: name + ".planes",
      on: moved, before: node)
    let resized = editor.insert(resize, named: editor[producer].name, on: planes, before: node)
    editor.replace(node, by: Reshape(to: .dimensions([n, c, large.shape.height, large.shape.width])), on: resized)
  }
}
