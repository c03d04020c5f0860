/// Takes softmax(s · q · kᵀ) · v, spelled out over heads `[batch, heads, tokens, channels]` that were transposed there from
/// `[batch, tokens, heads, channels]` and are transposed back, for one ``Attention``, which never has all scores at once.
///
/// Queries, keys and values that are the thirds of one product are taken as its thirds: they are read where they lie.
struct RecognizeAttention: GraphPass {
  func apply(to graph: inout Graph) {
    let reader = PatternReader(graph)
    var replacements: [Int: [Graph.Node]] = [:]
    for index in graph.nodes.indices {
      if let nodes = attention(graph.nodes[index], reader, &graph) { replacements[index] = nodes }
    }
    graph.nodes = graph.nodes.enumerated().flatMap { replacements[$0.offset] ?? [$0.element] }
    RemoveUnusedNodes().apply(to: &graph)
  }

  /// The nodes that stand for one which transposes the heads back.
  private func attention(_ node: Graph.Node, _ reader: PatternReader, _ graph: inout Graph) -> [Graph.Node]? {
    guard let back = node.operator as? Transpose, back.permutation == [0, 2, 1, 3],
      let product = reader.onlyFor(node.inputs[0]), let matMul = product.operator as? MatMul, !matMul.transposesA,
      !matMul.transposesB, let softmax = reader.onlyFor(product.inputs[0]),
      let operation = softmax.operator as? Softmax, !operation.isLogarithm, operation.axis == -1 || operation.axis == 3
    else { return nil }
    let (scores, scoreFactor) = reader.withoutFactor(softmax.inputs[0])
    guard let scoring = reader.onlyFor(scores), let scoreProduct = scoring.operator as? MatMul,
      !scoreProduct.transposesA
    else { return nil }
    let (queries, queryFactor) = reader.withoutFactor(scoring.inputs[0])
    let (keys, keyFactor) = reader.withoutFactor(scoring.inputs[1])
    guard let q = reader.untransposed(queries, [0, 2, 1, 3]),
      let k = reader.untransposed(keys, scoreProduct.transposesB ? [0, 2, 1, 3] : [0, 2, 3, 1]),
      let v = reader.untransposed(product.inputs[1], [0, 2, 1, 3])
    else { return nil }
    let (qs, qFactor) = reader.withoutFactor(q)
    let (ks, kFactor) = reader.withoutFactor(k)
    let (qShape, kShape, vShape) = (graph[qs].spec.shape, graph[ks].spec.shape, graph[v].spec.shape)
    // [batch, tokens, heads, channels], heads of the same number and all images the same.
    guard [qShape, kShape, vShape].allSatisfy({ $0.rank == 4 && $0[0] == qShape[0] && $0[2] == qShape[2] }),
      kShape[1] == vShape[1], qShape[3] == kShape[3]
    else { return nil }

    var nodes: [Graph.Node] = []
    func add(_ operator: any Operator, _ suffix: String, _ inputs: [Graph.ValueID], _ shape: Shape) -> Graph.ValueID {
      let node = graph.makeNode(`operator`, named: node.name + suffix, inputs, TensorSpec(shape))
      nodes.append(node)
      return node.outputs[0]
    }
    func tokens(_ shape: Shape) -> Shape { [shape[0], shape[1], shape[2] * shape[3]] }
    func flat(_ value: Graph.ValueID, _ suffix: String) -> Graph.ValueID {
      let shape = tokens(graph[value].spec.shape)
      return add(Reshape(to: .dimensions(shape.dimensions)), suffix, [value], shape)
    }
    var operands: [Graph.ValueID]
    if let (whole, order) = thirds([qs, ks, v], reader) {
      let third = tokens(qShape)
      let joined: Shape = [third[0], third[1], 3 * third[2]]
      let input = add(Reshape(to: .dimensions(joined.dimensions)), ".qkv", [whole], joined)
      var split = graph.makeNode(Split(.equal(3)), named: node.name + ".split", [input], TensorSpec(third))
      for _ in 0..<2 {
        graph.values.append(.init(source: .node, spec: TensorSpec(third)))
        split.outputs.append(.init(index: graph.values.count - 1))
      }
      nodes.append(split)
      operands = order.map { split.outputs[$0] }
    } else {
      operands = [flat(qs, ".q"), flat(ks, ".k"), flat(v, ".v")]
    }
    let scale = scoreFactor * queryFactor * keyFactor * qFactor * kFactor
    let result = tokens([qShape[0], qShape[1], qShape[2], vShape[3]])
    let attention = add(Attention(heads: qShape[2], scale: scale), ".attention", operands, result)
    var last = node
    last.operator = Reshape(to: .dimensions([qShape[0], qShape[1], qShape[2], vShape[3]]))
    last.inputs = [attention]
    return nodes + [last]
  }

  /// The tensor `[batch, tokens, 3, heads, channels]` of which three values are the parts along axis 2, and which part each is.
  private func thirds(
    _ values: [Graph.ValueID], _ reader: PatternReader
  ) -> (whole: Graph.ValueID, order: [Int])? {
    var whole: Graph.ValueID?
    var order: [Int] = []
    for value in values {
      var part = value
      while let node = reader.node(part), node.operator is Reshape { part = node.inputs[0] }
      guard let node = reader.node(part), let split = node.operator as? Split, split.axis == 2, node.outputs.count == 3,
        let position = node.outputs.firstIndex(of: part)
      else { return nil }
      let (shape, wanted) = (reader.graph[node.inputs[0]].spec.shape, reader.graph[value].spec.shape)
      guard shape.rank == 5, shape[2] == 3, shape[0] == wanted[0], shape[1] == wanted[1], shape[3] == wanted[2],
        shape[4] == wanted[3], whole == nil || whole == node.inputs[0]
      else { return nil }
      whole = node.inputs[0]
      order.append(position)
    }
    return whole.map { ($0, order) }
  }
}
