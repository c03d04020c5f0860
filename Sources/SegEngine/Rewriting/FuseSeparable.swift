/// Joins a depthwise convolution with the 1×1 convolutions before and behind it where the map between them is larger than a core's
/// caches, so that it is computed and used a few rows at a time.
///
/// A 1×1 convolution is joined where nothing else reads what is between. Squeeze-and-excitation reads the whole map first, so there the
/// projection stays apart.
struct FuseSeparable: NodeRewrite {
  /// Bytes of a map from which on it is better not to store it.
  var smallestMap = 1 << 20
  /// Bytes of the rows that may be kept of an expanded map: they stay in a core's second-level cache.
  var largestRing = 1 << 18

  func rewrite(_ node: Graph.NodeID, in editor: inout GraphEditor) {
    guard let depthwise = stage(node, editor), isDepthwise(depthwise, node, editor), !depthwise.addsResidual else {
      return
    }
    var chain = [node]
    let (input, output) = (editor[node].inputs[0], editor[node].outputs[0])
    if let before = editor.soleProducer(of: input), let expansion = stage(before, editor), isPointwise(expansion),
      !expansion.addsResidual, editor.spec(of: input).byteCount >= smallestMap,
      ringByteCount(depthwise, editor.spec(of: input)) <= largestRing
    {
      chain.insert(before, at: 0)
    }
    if editor.useCount(of: output) == 1, let behind = editor.readers(of: output).first,
      let projection = stage(behind, editor), isPointwise(projection), editor[behind].inputs[0] == output,
      editor.spec(of: output).byteCount >= smallestMap
    {
      chain.append(behind)
    }
    if chain.count > 1 { join(chain, in: &editor) }
  }

  /// The convolution of a node whose weights, and bias where it has one, are constants.
  private func stage(_ node: Graph.NodeID, _ editor: GraphEditor) -> Convolution? {
    guard let convolution = editor[node].operator as? any Convolving, convolution.direction == .forward else {
      return nil
    }
    let parameters = editor.constants(of: node).dropFirst().dropLast(convolution.addsResidual ? 1 : 0)
    guard parameters.allSatisfy({ $0 != nil }) else { return nil }
    return Convolution(
      convolution.geometry, function: convolution.function, addingResidual: convolution.addsResidual)
  }

  private func isPointwise(_ convolution: Convolution) -> Bool {
    convolution.geometry.isPointwise && convolution.geometry.groups == 1
  }

  private func isDepthwise(_ convolution: Convolution, _ node: Graph.NodeID, _ editor: GraphEditor) -> Bool {
    let channels = editor.inputSpecs(of: node)[0].shape.channels
    return convolution.geometry.groups == channels && channels > 1
      && editor.outputSpecs(of: node)[0].shape.channels == channels
      && convolution.geometry.kernel.height <= DepthwiseConvolution.largestKernel
  }

  private func ringByteCount(_ depthwise: Convolution, _ map: TensorSpec) -> Int {
    let geometry = depthwise.geometry
    let rows = SeparableRows.ringRows(
      span: (geometry.kernel.height - 1) * geometry.dilation.height + 1,
      step: SeparableRows.productRows(width: map.shape.width, height: map.shape.height))
    return map.elementType.byteCount * rows * map.shape.width * map.shape.channels
  }

  /// Lets the last node of a chain do what the others do too.
  private func join(_ chain: [Graph.NodeID], in editor: inout GraphEditor) {
    let nodes = chain.map { editor[$0] }
    let stages = chain.compactMap { stage($0, editor) }
    var inputs = [nodes[0].inputs[0]]
    for (member, stage) in zip(nodes, stages) {
      let hasBias = member.inputs.count == (stage.addsResidual ? 4 : 3)
      let channels = editor.spec(of: member.outputs[0]).shape.channels
      inputs += [
        member.inputs[1], hasBias ? member.inputs[2] : editor.addConstant(Tensor(zeros: Shape([channels]))),
      ]
      if stage.addsResidual, let residual = member.inputs.last { inputs.append(residual) }
    }
    let folded = nodes.dropLast().flatMap(\.foldedNames) + nodes.dropLast().map(\.name)
    editor.replace(
      chain[chain.count - 1], by: SeparableConvolution(stages: stages), on: inputs, folding: folded)
  }
}
