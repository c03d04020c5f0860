/// Folds a scale and shift of each channel (batch normalisation, a sum or product with constants) into the weights and bias of the
/// convolution before it: s · (W x + b) + t = (s W) x + (s b + t).
struct FoldChannelAffine: PairRewrite {
  func join(_ consumer: Graph.NodeID, with producer: Graph.NodeID, in editor: inout GraphEditor) {
    let output = editor.spec(of: editor[consumer].outputs[0])
    guard let affine = editor[consumer].operator as? any ChannelAffine,
      let absorbing = editor[producer].operator as? any ChannelAffineAbsorbing,
      let (scale, shift) = affine.channelAffine(
        constants: editor.constants(of: consumer), channels: output.shape.channels),
      editor.spec(of: editor[producer].outputs[0]) == output,
      let (merged, constants) = absorbing.absorbing(
        scale: scale, shift: shift, constants: editor.constants(of: producer))
    else { return }
    let inputs = [editor[producer].inputs[0]] + constants.map { editor.addConstant($0) }
    editor.merge(consumer, into: producer, as: merged, on: inputs, folding: [editor[consumer].name])
  }
}
