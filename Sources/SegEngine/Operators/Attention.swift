/// Scaled dot-product attention of several heads: softmax(scale · q · kᵀ + mask) · v for each head (Vaswani et al. 2017).
///
/// Inputs: queries `[batch, n, heads · d]`, keys `[batch, m, heads · d]`, values `[batch, m, heads · dv]`, and optionally a mask that is
/// added to the scores: `[n, m]`, or `[batch or 1, heads or 1, n, m]`. Output: `[batch, n, heads · dv]`. Head h has the channels h·d ..<
/// (h + 1)·d. A row whose mask is −∞ throughout gives NaN.
///
/// Queries are processed in tiles. The scores of a tile for all keys stay in the cache, so the whole score matrix is never stored. Tested
/// to 2e-6 · max(1, largest |v|) for scores up to 10; the error of the softmax grows with the scores.
public struct Attention: Operator {
  public static let name = "Attention"

  /// The number of heads, each with its own channels.
  public let heads: Int
  /// The factor of the scores; `nil` is 1/√d.
  public let scale: Float?

  /// Makes the operator.
  ///
  /// - Precondition: `heads` is positive.
  public init(heads: Int, scale: Float? = nil) {
    precondition(heads > 0, "there is one head or more, not \(heads)")
    self.heads = heads
    self.scale = scale
  }

  public var attributes: String { "\(heads) heads" + (scale.map { " scale \($0)" } ?? "") }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 3...4)
    for input in inputs { try requireFloat(input) }
    let (q, k, v) = (inputs[0].shape, inputs[1].shape, inputs[2].shape)
    try require(
      q.rank == 3 && k.rank == 3 && v.rank == 3 && q[0] == k[0] && k[0] == v[0] && k[1] == v[1] && q[2] == k[2],
      "queries \(q), keys \(k) and values \(v) are not [batch, n, c], [batch, m, c] and [batch, m, c′]")
    try require(
      q[2] % heads == 0 && v[2] % heads == 0,
      "the channels of queries \(q) and values \(v) do not divide into \(heads) heads")
    try require(k[1] > 0, "there are no keys in \(k) for the queries \(q)")
    if inputs.count == 4 {
      let mask = inputs[3].shape
      let fits =
        mask.rank == 4 && [1, q[0]].contains(mask[0]) && [1, heads].contains(mask[1]) && mask[2] == q[1]
        && mask[3] == k[1]
      try require(
        mask == [q[1], k[1]] || fits,
        "a mask is [\(q[1]), \(k[1])] or [\(q[0]) or 1, \(heads) or 1, \(q[1]), \(k[1])] for queries \(q) and keys \(k), not \(mask)"
      )
    }
    return [TensorSpec(try shape([q[0], q[1], v[2]]))]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    let (q, k, v) = (inputs[0].shape, inputs[1].shape, inputs[2].shape)
    let scores = q[0] * q[1] * k[1]
    return Cost(
      macs: scores * (q[2] + v[2]), otherOperations: scores * heads * (5 + (inputs.count == 4 ? 1 : 0)),
      reading: inputs, writing: outputs)
  }

  public var takesRowStrides: Bool { true }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (q, k, v) = (context.inputs[0].shape, context.inputs[1].shape, context.inputs[2].shape)
    let heads = heads
    let (batch, n, m) = (q[0], q[1], k[1])
    let (d, valueWidth) = (q[2] / heads, v[2] / heads)
    @Sendable func aligned(_ count: Int) -> Int { (count + 15) / 16 * 16 }
    let scale = scale ?? 1 / Float(max(1, d)).squareRoot()
    // The stride of score rows is a multiple of a register and no power of two, so that six rows do not share one set of the cache.
    let scoreStride = aligned(m) + 16
    // Scores of a tile fill less than half a megabyte: they stay in the second-level cache.
    let tile = max(1, min(max(98304 / scoreStride / 6 * 6, 24), 96, n))
    let threads = context.workers.threadCount
    // Each task packs the keys and values of its head. A head is one task if there are enough heads for the threads.
    let wanted = threads == 1 ? 1 : (2 * threads + batch * heads - 1) / max(1, batch * heads)
    let parts = EvenPieces(n, largest: max(1, n), atLeast: wanted)
    let layout = context.kernels.panelLayout
    let keySpace = aligned(layout.count(k: d, n: m))
    let valueSpace = aligned(layout.count(k: m, n: valueWidth))
    let perWorker = keySpace + valueSpace + aligned(tile * scoreStride) + aligned(tile)
    // The extents of the mask: 1 if all images or heads share it.
    let mask = context.inputs.count > 3 ? context.inputs[3].shape : nil
    let maskHeads = mask.map { $0.rank == 4 ? $0[1] : 1 } ?? 1
    let maskBatch = mask.map { $0.rank == 4 ? $0[0] : 1 } ?? 1
    return PreparedOperator(
      workspaceByteCount: ElementType.float32.byteCount(of: threads * perWorker), algorithm: "tiles of \(tile) queries"
    ) {
      context in
      let (q, k, v, y) = (context.input(0), context.input(1), context.input(2), context.output())
      let mask = context.inputCount > 3 ? context.input(3) : nil
      let device = context.device
      device.workers.forEach(batch * heads * parts.pieces) { index, worker in
        let keys = context.scratch + worker * perWorker
        let (values, scores) = (keys + keySpace, keys + keySpace + valueSpace)
        let sums = scores + aligned(tile * scoreStride)
        let (rest, part) = index.quotientAndRemainder(dividingBy: parts.pieces)
        let (image, head) = rest.quotientAndRemainder(dividingBy: heads)
        layout.pack(
          transposing: k.floats + image * m * k.rowStride + head * d, rowStride: k.rowStride, rows: d, columns: m,
          scale: scale,
          into: keys, on: device)
        layout.pack(
          v.floats + image * m * v.rowStride + head * valueWidth, rowStride: v.rowStride, rows: m, columns: valueWidth,
          into: values)
        for first in stride(from: parts[part].lowerBound, to: parts[part].upperBound, by: tile) {
          let count = min(tile, parts[part].upperBound - first)
          device.kernels.panelProduct(
            PanelOperands(
              rows: .strided(q.floats + (image * n + first) * q.rowStride + head * d, stride: q.rowStride),
              rowCount: count, depth: d, panels: keys, columns: m,
              into: Destination(scores, stride: scoreStride)))
          if let mask {
            let plane = (maskBatch > 1 ? image * maskHeads : 0) + (maskHeads > 1 ? head : 0)
            let rows = mask.floats + (plane * n + first) * mask.rowStride
            for row in 0..<count {
              let line = scores + row * scoreStride
              device.kernels.combine(.add, line, pStep: 1, rows + row * mask.rowStride, qStep: 1, line, count: m)
            }
          }
          device.kernels.softmaxNumerators(
            scores, xStride: scoreStride, scores, yStride: scoreStride, rows: count, channels: m, sums: sums)
          let result = y.floats + (image * n + first) * y.rowStride + head * valueWidth
          device.kernels.panelProduct(
            PanelOperands(
              rows: .strided(scores, stride: scoreStride), rowCount: count, depth: m, panels: values,
              columns: valueWidth,
              into: Destination(result, stride: y.rowStride)))
          // The products are divided, not the scores: there are fewer products.
          for row in 0..<count {
            let line = result + row * y.rowStride
            device.kernels.combine(.divide, line, pStep: 1, sums + row, qStep: 0, line, count: valueWidth)
          }
        }
      }
    }
  }
}

extension Value {
  /// Computes attention with this value `[batch, n, heads · d]` as queries, over keys and values `[batch, m, …]`.
  ///
  /// The `mask`, `[n, m]` or `[batch or 1, heads or 1, n, m]`, is added to the scores. The scores are multiplied by `scale`, by default
  /// 1/√d.
  public func attention(
    keys: Value, values: Value, heads: Int, mask: Value? = nil, scale: Float? = nil, named name: String = "attention",
    file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(
      Attention(heads: heads, scale: scale), named: name, with: [keys, values] + (mask.map { [$0] } ?? []), file: file,
      line: line)
  }
}

extension Attention: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    let givesMask = context.inputs.count > 3 && context.requiresGradient[3]
    let results = context.graph.add(
      AttentionGradient(self, givingMask: givesMask), named: "gradients", to: [context.outputGradient] + context.inputs,
      outputCount: givesMask ? 4 : 3)
    return context.inputs.indices.map { $0 < results.count && context.requiresGradient[$0] ? results[$0] : nil }
  }
}
