/// Replaces softmax(s · q · kᵀ) · v, spelled out over heads `[batch, heads, tokens, channels]` that were permuted there from
/// `[batch, tokens, heads, channels]` and are permuted back, by one ``Attention``, which never has all scores at once.
///
/// Queries, keys and values that are the thirds of one product are taken as its thirds: they are read where they lie.
struct RecognizeAttention: NodeRewrite {
  /// The operands `[batch, tokens, heads, channels]` and the factor of the scores.
  private struct Match {
    let queries, keys, values: Graph.ValueID
    let scale: Float
  }

  func rewrite(_ node: Graph.NodeID, in editor: inout GraphEditor) {
    guard let match = match(node, editor) else { return }
    let name = editor[node].name
    func tokens(_ shape: Shape) -> [Int] { [shape[0], shape[1], shape[2] * shape[3]] }
    let (queries, values) = (editor.spec(of: match.queries).shape, editor.spec(of: match.values).shape)
    var operands: [Graph.ValueID]
    if let (whole, order) = thirds([match.queries, match.keys, match.values], editor) {
      let third = tokens(queries)
      let joined = editor.insert(
        Reshape(to: .dimensions([third[0], third[1], 3 * third[2]])), named: name + ".qkv", on: [whole], before: node)
      let parts = editor.insert(Split(.equal(3)), named: name + ".split", on: joined, before: node)
      operands = order.map { parts[$0] }
    } else {
      operands = zip([match.queries, match.keys, match.values], [".q", ".k", ".v"]).map { value, suffix in
        editor.insert(
          Reshape(to: .dimensions(tokens(editor.spec(of: value).shape))), named: name + suffix, on: [value],
          before: node)[0]
      }
    }
    let attention = editor.insert(
      Attention(heads: queries[2], scale: match.scale), named: name + ".attention", on: operands, before: node)
    editor.replace(
      node, by: Reshape(to: .dimensions([queries[0], queries[1], queries[2], values[3]])), on: attention)
  }

  /// The attention that ends with a node, which permutes the heads back.
  private func match(_ node: Graph.NodeID, _ editor: GraphEditor) -> Match? {
    guard editor.permutes(node, [0, 2, 1, 3]), let product = editor.soleProducer(of: editor[node].inputs[0]),
      let matMul = editor[product].operator as? any MatrixProduct, !matMul.transposesA, !matMul.transposesB,
      let softmax = editor.soleProducer(of: editor[product].inputs[0]),
      let operation = editor[softmax].operator as? any SoftmaxNormalizing, !operation.isLogarithm,
      operation.axis == -1 || operation.axis == 3
    else { return nil }
    let (scores, scoreFactor) = editor.withoutFactor(editor[softmax].inputs[0])
    guard let scoring = editor.soleProducer(of: scores),
      let scoreProduct = editor[scoring].operator as? any MatrixProduct, !scoreProduct.transposesA
    else { return nil }
    let (queries, queryFactor) = editor.withoutFactor(editor[scoring].inputs[0])
    let (keys, keyFactor) = editor.withoutFactor(editor[scoring].inputs[1])
    guard let q = editor.unpermuted(queries, [0, 2, 1, 3]),
      let k = editor.unpermuted(keys, scoreProduct.transposesB ? [0, 2, 1, 3] : [0, 2, 3, 1]),
      let v = editor.unpermuted(editor[product].inputs[1], [0, 2, 1, 3])
    else { return nil }
    let (qs, qFactor) = editor.withoutFactor(q)
    let (ks, kFactor) = editor.withoutFactor(k)
    let (qShape, kShape, vShape) = (editor.spec(of: qs).shape, editor.spec(of: ks).shape, editor.spec(of: v).shape)
    // [batch, tokens, heads, channels], heads of the same number and all images the same.
    guard [qShape, kShape, vShape].allSatisfy({ $0.rank == 4 && $0[0] == qShape[0] && $0[2] == qShape[2] }),
      kShape[1] == vShape[1], qShape[3] == kShape[3]
    else { return nil }
    return Match(
      queries: qs, keys: ks, values: v, scale: scoreFactor * queryFactor * keyFactor * qFactor * kFactor)
  }

  /// The tensor `[batch, tokens, 3, heads, channels]` of which three values are the parts along axis 2, and which part each is.
  private func thirds(
    _ values: [Graph.ValueID], _ editor: GraphEditor
  ) -> (whole: Graph.ValueID, order: [Int])? {
    var whole: Graph.ValueID?
    var order: [Int] = []
    for value in values {
      let part = editor.unforwarded(value)
      guard let node = editor.producer(of: part), let split = editor[node].operator as? any Splitting,
        split.partAxis == 2, editor[node].outputs.count == 3,
        let position = editor[node].outputs.firstIndex(of: part)
      else { return nil }
      let source = editor[node].inputs[0]
      let (shape, wanted) = (editor.spec(of: source).shape, editor.spec(of: value).shape)
      guard shape.rank == 5, shape[2] == 3, shape[0] == wanted[0], shape[1] == wanted[1], shape[3] == wanted[2],
        shape[4] == wanted[3], whole == nil || whole == source
      else { return nil }
      whole = source
      order.append(position)
    }
    return whole.map { ($0, order) }
  }
}
