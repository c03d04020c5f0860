/// Takes a transposed convolution that doubles a map, and the 3 × 3 convolution of its result beside other maps, as a decoder of the
/// U-Net family has them, for what they are: with nothing but a concatenation between them, the convolution's part for the doubled map is
/// linear in the map before it, one transposed convolution of 4 × 4 taps. With 2 × 2 taps a and 3 × 3 taps i, output 2 j + a − i + 1
/// takes Σ over m of w₂[c, m, a] · w₃[o, m, i] from input j; so that is the tap a − i + 2 of stride 2 and padding 1.
///
/// The doubled map never exists, and the composed kernel, whose four phases have 2 × 2 taps each (``WinogradFrame``), takes fewer
/// multiply–adds than the two. It has more weights, for which it does not pay where maps are small: the estimates decide.
///
/// The doubled map's bias meets the convolution's padding at the edges, and adds up to the same everywhere else: the one goes to a
/// ``FrameShift``, the other to the convolution's bias.
struct ComposeTransposed: GraphPass {
  let device: ComputeDevice
  let options: CompileOptions
  /// Whether the graph is only planned, so that shapes matter and numbers do not.
  let isPlanning: Bool

  /// A place in a graph where it applies.
  private struct Match {
    /// The convolution's place among the nodes.
    let index: Int
    let concat, transposed: Graph.Node
    /// Which of the concatenation's inputs is the doubled map, and the channels before it.
    let position, channelsBefore: Int
    let weight: Tensor
    let bias: Tensor?
    let transposedWeight: Tensor
    let transposedBias: Tensor?
  }

  func apply(to graph: inout Graph) {
    var reader = PatternReader(graph)
    var index = 0
    while index < graph.nodes.count {
      if let match = match(reader, at: index), pays(match, graph) {
        index = compose(match, &graph)
        reader = PatternReader(graph)
      }
      index += 1
    }
    RemoveUnusedNodes().apply(to: &graph)
  }

  private func match(_ reader: PatternReader, at index: Int) -> Match? {
    let graph = reader.graph
    let node = graph.nodes[index]
    let constants = graph.constants(of: node)
    guard let convolution = node.operator as? Convolution,
      convolution.geometry == ConvolutionGeometry(kernel: 3, padding: 1), !convolution.addsResidual,
      let weight = constants[1], constants.count < 3 || constants[2] != nil,
      let concat = reader.onlyFor(node.inputs[0]), let join = concat.operator as? Concat,
      graph[node.inputs[0]].spec.shape.normalizedAxis(join.axis) == 3, concat.inputs.count > 1
    else { return nil }
    var channelsBefore = 0
    for (position, part) in concat.inputs.enumerated() {
      if let transposed = reader.onlyFor(part), let upsampling = transposed.operator as? TransposedConvolution,
        upsampling.geometry == ConvolutionGeometry(kernel: 2, stride: 2), upsampling.outputPadding == 0,
        upsampling.function == .identity, !upsampling.addsResidual
      {
        let parameters = graph.constants(of: transposed)
        if let transposedWeight = parameters[1], parameters.count < 3 || parameters[2] != nil {
          return Match(
            index: index, concat: concat, transposed: transposed, position: position,
            channelsBefore: channelsBefore, weight: weight, bias: constants.count > 2 ? constants[2] : nil,
            transposedWeight: transposedWeight, transposedBias: parameters.count > 2 ? parameters[2] : nil)
        }
      }
      channelsBefore += graph[part].spec.shape.channels
    }
    return nil
  }

  /// The transposed convolution of 4 × 4 taps.
  private static let composed = ConvolutionGeometry(kernel: 4, stride: 2, padding: 1)

  /// Whether the estimates say that it takes no more time.
  private func pays(_ match: Match, _ graph: Graph) -> Bool {
    func shape(_ value: Graph.ValueID) -> Shape { graph[value].spec.shape }
    let (node, transposed) = (graph.nodes[match.index], match.transposed)
    let (low, doubled) = (shape(transposed.inputs[0]), shape(transposed.outputs[0]))
    let (joined, output) = (shape(node.inputs[0]), shape(node.outputs[0]))
    let others = joined.replacing(axis: 3, with: joined.channels - doubled.channels)
    func choose(
      _ direction: ConvolutionProblem.Direction, _ geometry: ConvolutionGeometry, _ input: Shape, _ output: Shape
    ) -> (algorithm: any ConvolutionAlgorithm, seconds: Double) {
      let problem = ConvolutionProblem(direction, geometry, input: input, output: output)
      let choice = ConvolutionAlgorithms.choose(for: problem, on: device, options)
      return (choice.algorithm, choice.candidates[0].estimatedSeconds)
    }
    let plain = ConvolutionGeometry(kernel: 3, padding: 1)
    let composed = choose(.transposed, ComposeTransposed.composed, low, output)
    // By the definition it takes more multiply–adds than the two.
    guard composed.algorithm.method.kind.isWinograd else { return false }
    let alone = [
      choose(.forward, plain, joined, output),
      choose(.transposed, ConvolutionGeometry(kernel: 2, stride: 2), low, doubled),
    ]
    return choose(.forward, plain, others, output).seconds + composed.seconds <= alone[0].seconds + alone[1].seconds
  }

  /// Puts the nodes that do the same in the convolution's place, and gives the place of the last.
  private func compose(_ match: Match, _ graph: inout Graph) -> Int {
    let (node, transposed) = (graph.nodes[match.index], match.transposed)
    guard let convolution = node.operator as? Convolution else { preconditionFailure("matched a convolution") }
    let outputSpec = graph[node.outputs[0]].spec
    var others = match.concat.inputs
    others.remove(at: match.position)
    let name = node.name + ".others"
    let doubled = match.channelsBefore..<match.channelsBefore + match.transposedWeight.shape[1]
    let kernel = ComposedKernel(
      match.transposedWeight, match.weight, channels: doubled, over: isPlanning ? nil : device.workers)

    var nodes: [Graph.Node] = []
    var operand = others[0]
    if others.count > 1 {
      let joined = graph[node.inputs[0]].spec.shape
      let spec = TensorSpec(joined.replacing(axis: 3, with: joined.channels - doubled.count))
      nodes.append(graph.makeNode(Concat(), named: name + ".join", others, spec))
      operand = nodes[0].outputs[0]
    }
    let shifts = kernel.shifts(by: match.transposedBias)
    let bias = match.bias?.elements(of: Float.self)
    var inputs = [operand, graph.addConstant(match.weight.removingInputs(doubled))]
    if bias != nil || shifts != nil {
      inputs.append(
        graph.addConstant(Tensor.foldedBias(bias, adding: shifts?.everywhere, count: outputSpec.shape.channels)))
    }
    nodes.append(graph.makeNode(Convolution(convolution.geometry), named: name, inputs, outputSpec))
    nodes[nodes.count - 1].foldedNames = node.foldedNames
    if let shifts {
      let frame = graph.addConstant(shifts.frame)
      nodes.append(
        graph.makeNode(FrameShift(), named: name + ".frame", [nodes[nodes.count - 1].outputs[0], frame], outputSpec))
    }
    var last = node
    last.operator = TransposedConvolution(
      ComposeTransposed.composed, function: convolution.function, addingResidual: true)
    last.inputs = [transposed.inputs[0], graph.addConstant(kernel.weight), nodes[nodes.count - 1].outputs[0]]
    last.foldedNames = transposed.foldedNames + [transposed.name] + node.foldedNames
    nodes.append(last)
    graph.nodes.replaceSubrange(match.index...match.index, with: nodes)
    return match.index + nodes.count - 1
  }
}
