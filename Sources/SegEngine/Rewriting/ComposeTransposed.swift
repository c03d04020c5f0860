/// Replaces a transposed convolution that doubles a map, and the 3 × 3 convolution of its result beside other maps, as a decoder of the
/// U-Net family has them, by one transposed convolution and a smaller convolution. With nothing but a concatenation between the two, the
/// convolution's part for the doubled map is linear in the map before it: one transposed convolution of 4 × 4 taps. With 2 × 2 taps a and
/// 3 × 3 taps i, output 2 j + a − i + 1 takes Σ over m of w₂[c, m, a] · w₃[o, m, i] from input j; so that is the tap a − i + 2 of stride 2
/// and padding 1.
///
/// The doubled map never exists, and the composed kernel, whose four phases have 2 × 2 taps each (``WinogradFrame``), takes fewer
/// multiply–adds than the two. It has more weights, for which it does not pay where maps are small: the estimates decide.
///
/// The doubled map's bias meets the convolution's padding at the edges, and adds up to the same everywhere else: the one goes to a
/// ``BorderBiasCorrection``, the other to the convolution's bias.
struct ComposeTransposed: NodeRewrite {
  let device: ComputeDevice
  let options: CompileOptions
  /// Whether the graph is only planned, so that shapes matter and numbers do not.
  let isPlanning: Bool

  /// A place in a graph where it applies.
  private struct Match {
    let convolution: Graph.NodeID
    let function: ElementwiseFunction
    /// The inputs of the concatenation.
    let parts: [Graph.ValueID]
    /// The node that doubles a map, which of the parts its result is, and the channels before it.
    let transposed: Graph.NodeID
    let position, channelsBefore: Int
    let weight: Tensor
    let bias: Tensor?
    let transposedWeight: Tensor
    let transposedBias: Tensor?
  }

  func rewrite(_ node: Graph.NodeID, in editor: inout GraphEditor) {
    if let match = match(node, editor), pays(match, editor) { compose(match, in: &editor) }
  }

  private func match(_ node: Graph.NodeID, _ editor: GraphEditor) -> Match? {
    let constants = editor.constants(of: node)
    guard let convolution = editor[node].operator as? any Convolving, convolution.direction == .forward,
      convolution.geometry == ComposeTransposed.convolution, !convolution.addsResidual,
      let weight = constants[1], constants.count < 3 || constants[2] != nil,
      let concat = editor.soleProducer(of: editor[node].inputs[0]),
      let join = editor[concat].operator as? any Joining,
      editor.inputSpecs(of: node)[0].shape.normalizedAxis(join.axis) == 3, editor[concat].inputs.count > 1
    else { return nil }
    var channelsBefore = 0
    for (position, part) in editor[concat].inputs.enumerated() {
      if let transposed = editor.soleProducer(of: part),
        let upsampling = editor[transposed].operator as? any Convolving, upsampling.direction == .transposed,
        upsampling.geometry == ComposeTransposed.doubling, upsampling.outputPadding == 0,
        upsampling.function == .identity, !upsampling.addsResidual
      {
        let parameters = editor.constants(of: transposed)
        if let transposedWeight = parameters[1], parameters.count < 3 || parameters[2] != nil {
          return Match(
            convolution: node, function: convolution.function, parts: editor[concat].inputs, transposed: transposed,
            position: position, channelsBefore: channelsBefore, weight: weight,
            bias: constants.count > 2 ? constants[2] : nil, transposedWeight: transposedWeight,
            transposedBias: parameters.count > 2 ? parameters[2] : nil)
        }
      }
      channelsBefore += editor.spec(of: part).shape.channels
    }
    return nil
  }

  private static let convolution = ConvolutionGeometry(kernel: 3, padding: 1)
  private static let doubling = ConvolutionGeometry(kernel: 2, stride: 2)
  /// The transposed convolution of 4 × 4 taps.
  private static let composed = ConvolutionGeometry(kernel: 4, stride: 2, padding: 1)

  /// Whether the estimates say that it takes no more time.
  private func pays(_ match: Match, _ editor: GraphEditor) -> Bool {
    let (low, doubled) = (
      editor.inputSpecs(of: match.transposed)[0].shape, editor.outputSpecs(of: match.transposed)[0].shape
    )
    let (joined, output) = (
      editor.inputSpecs(of: match.convolution)[0].shape, editor.outputSpecs(of: match.convolution)[0].shape
    )
    let others = joined.replacing(axis: 3, with: joined.channels - doubled.channels)
    func choose(
      _ direction: ConvolutionDirection, _ geometry: ConvolutionGeometry, _ input: Shape, _ output: Shape
    ) -> (algorithm: any ConvolutionAlgorithm, seconds: Double) {
      let problem = ConvolutionProblem(direction, geometry, input: input, output: output)
      let choice = ConvolutionAlgorithms.choose(for: problem, on: device, options)
      return (choice.algorithm, choice.candidates[0].estimatedSeconds)
    }
    let composed = choose(.transposed, ComposeTransposed.composed, low, output)
    // By the definition it takes more multiply–adds than the two.
    guard composed.algorithm.method.kind.isWinograd else { return false }
    let alone = [
      choose(.forward, ComposeTransposed.convolution, joined, output),
      choose(.transposed, ComposeTransposed.doubling, low, doubled),
    ]
    return choose(.forward, ComposeTransposed.convolution, others, output).seconds + composed.seconds <= alone[0]
      .seconds + alone[1].seconds
  }

  /// Puts the nodes that do the same in the convolution's place.
  private func compose(_ match: Match, in editor: inout GraphEditor) {
    let (node, transposed) = (editor[match.convolution], editor[match.transposed])
    var others = match.parts
    others.remove(at: match.position)
    let name = node.name + ".others"
    let doubled = match.channelsBefore..<match.channelsBefore + match.transposedWeight.shape[1]
    let kernel = ComposedKernel(
      match.transposedWeight, match.weight, channels: doubled, over: isPlanning ? nil : device.workers)

    if others.count > 1 {
      others = editor.insert(Concat(), named: name + ".join", on: others, before: match.convolution)
    }
    let shifts = kernel.shifts(by: match.transposedBias)
    let bias = match.bias?.elements(of: Float.self)
    var inputs = [others[0], editor.addConstant(match.weight.removingInputs(doubled))]
    if bias != nil || shifts != nil {
      let channels = editor.spec(of: node.outputs[0]).shape.channels
      inputs.append(
        editor.addConstant(Tensor.foldedBias(bias, adding: shifts?.everywhere, count: channels)))
    }
    var rest = editor.insert(
      Convolution(ComposeTransposed.convolution), named: name, on: inputs, before: match.convolution,
      folding: node.foldedNames)[0]
    if let shifts {
      let border = editor.addConstant(shifts.frame)
      rest =
        editor.insert(
          BorderBiasCorrection(), named: name + ".border", on: [rest, border], before: match.convolution)[0]
    }
    editor.replace(
      match.convolution,
      by: TransposedConvolution(ComposeTransposed.composed, function: match.function, addingResidual: true),
      on: [transposed.inputs[0], editor.addConstant(kernel.weight), rest],
      folding: transposed.foldedNames + [transposed.name])
  }
}
