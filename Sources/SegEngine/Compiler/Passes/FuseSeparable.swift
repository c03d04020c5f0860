/// Joins a depthwise convolution with the 1×1 convolutions before and behind it where the map between them is larger than a core's
/// caches, so that it is computed and used a few rows at a time.
///
/// A 1×1 convolution is joined where nobody else reads what is between; squeeze-and-excitation, which reads the whole map first, keeps
/// a projection apart.
struct FuseSeparable: GraphPass {
  /// Bytes of a map from which on it is worth not to exist.
  var smallestMap = 1 << 20
  /// Bytes of the rows that may be kept of an expanded map: they stay in a core's second-level cache.
  var largestRing = 1 << 18

  func apply(to graph: inout Graph) {
    let producers = graph.producers
    let useCounts = graph.useCounts
    var consumers = [Int?](repeating: nil, count: graph.values.count)
    for (index, node) in graph.nodes.enumerated() { for input in node.inputs { consumers[input.index] = index } }
    var gone = Set<Int>()
    for index in graph.nodes.indices where !gone.contains(index) {
      guard let depthwise = stage(graph, index), isDepthwise(depthwise, graph, index), !depthwise.addsResidual else {
        continue
      }
      var chain = [index]
      let (input, output) = (graph.nodes[index].inputs[0], graph.nodes[index].outputs[0])
      if useCounts[input.index] == 1, let before = producers[input.index], !gone.contains(before),
        let expansion = stage(graph, before), isPointwise(expansion), !expansion.addsResidual,
        graph[input].spec.byteCount >= smallestMap, ringByteCount(depthwise, graph[input].spec.shape) <= largestRing
      {
        chain.insert(before, at: 0)
      }
      if useCounts[output.index] == 1, let behind = consumers[output.index], let projection = stage(graph, behind),
        isPointwise(projection), graph.nodes[behind].inputs[0] == output, graph[output].spec.byteCount >= smallestMap
      {
        chain.append(behind)
      }
      guard let last = chain.last, chain.count > 1 else { continue }
      graph.nodes[last] = joined(&graph, chain)
      gone.formUnion(chain.dropLast())
      if last != index { gone.insert(index) }
    }
    graph.nodes = graph.nodes.enumerated().filter { !gone.contains($0.offset) }.map(\.element)
  }

  /// The convolution of a node whose weights, and bias where it has one, are constants.
  private func stage(_ graph: Graph, _ index: Int) -> Convolution? {
    let node = graph.nodes[index]
    guard let convolution = node.operator as? Convolution else { return nil }
    let parameters = graph.constants(of: node).dropFirst().dropLast(convolution.addsResidual ? 1 : 0)
    return parameters.allSatisfy { $0 != nil } ? convolution : nil
  }

  private func isPointwise(_ convolution: Convolution) -> Bool {
    convolution.geometry.isPointwise && convolution.geometry.groups == 1
  }

  private func isDepthwise(_ convolution: Convolution, _ graph: Graph, _ index: Int) -> Bool {
    let channels = graph[graph.nodes[index].inputs[0]].spec.shape.channels
    return convolution.geometry.groups == channels && channels > 1
      && graph[graph.nodes[index].outputs[0]].spec.shape.channels == channels
      && convolution.geometry.kernel.height <= DepthwiseConvolution.largestKernel
  }

  private func ringByteCount(_ depthwise: Convolution, _ map: Shape) -> Int {
    let geometry = depthwise.geometry
    let rows = SeparableRows.ringRows(
      span: (geometry.kernel.height - 1) * geometry.dilation.height + 1,
      step: SeparableRows.productRows(width: map.width, height: map.height))
    return 4 * rows * map.width * map.channels
  }

  /// The last node of a chain, with what the others take and do.
  private func joined(_ graph: inout Graph, _ chain: [Int]) -> Graph.Node {
    var node = graph.nodes[chain[chain.count - 1]]
    let nodes = chain.map { graph.nodes[$0] }
    let stages = nodes.compactMap { $0.operator as? Convolution }
    node.inputs = [nodes[0].inputs[0]]
    for (member, stage) in zip(nodes, stages) {
      let hasBias = member.inputs.count == (stage.addsResidual ? 4 : 3)
      let channels = graph[member.outputs[0]].spec.shape.channels
      node.inputs += [
        member.inputs[1], hasBias ? member.inputs[2] : graph.addConstant(Tensor(zeros: Shape([channels]))),
      ]
      if stage.addsResidual, let residual = member.inputs.last { node.inputs.append(residual) }
    }
    node.operator = SeparableConvolution(stages: stages)
    node.foldedNames = nodes.flatMap(\.foldedNames) + nodes.dropLast().map(\.name)
    return node
  }
}
