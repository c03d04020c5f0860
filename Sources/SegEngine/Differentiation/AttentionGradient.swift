/// The gradients of ``Attention``, whose scores are computed again tile by tile, so that the matrix of scores is never stored (the backward
/// pass of Dao et al. 2022).
///
/// For each head, with P = softmax(scale · q · kᵀ + mask) and dP = dy · vᵀ: dS = P ∘ (dP − the sums of each row of P ∘ dP),
/// dq = scale · dS · k, dk = scale · dSᵀ · q, dv = Pᵀ · dy, and the mask's gradient is dS, summed over the images and heads that share it.
///
/// Inputs: dy `[batch, n, heads · dv]`, q `[batch, n, heads · d]`, k `[batch, m, heads · d]`, v `[batch, m, heads · dv]`, and optionally the
/// mask. Outputs: the gradients of q, k and v, and with ``givesMask`` that of the mask. Sums are those of fixed parts of the queries, the
/// same to the bit for any number of threads.
package struct AttentionGradient: Operator {
  package static let name = "AttentionGradient"

  /// The operator whose gradients are computed.
  package let attention: Attention
  /// Whether the gradient of the mask is computed.
  package let givesMask: Bool

  package init(_ attention: Attention, givingMask givesMask: Bool) {
    self.attention = attention
    self.givesMask = givesMask
  }

  package var attributes: String { attention.attributes }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, givesMask ? 5...5 : 4...5)
    let result = try attention.outputs(for: Array(inputs.dropFirst()))[0]
    try require(inputs[0] == result, "the gradient of the attention is \(result), not \(inputs[0])")
    return Array(inputs[1...(givesMask ? 4 : 3)])
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    let (q, k, v) = (inputs[1].shape, inputs[2].shape, inputs[3].shape)
    let scores = q[0] * q[1] * k[1]
    return Cost(
      macs: scores * (3 * q[2] + 2 * v[2]), otherOperations: scores * attention.heads * 10, reading: inputs,
      writing: outputs)
  }

  package var takesRowStrides: Bool { true }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let problem = AttentionGradientProblem(self, context)
    let workers = context.workers.threadCount
    return PreparedOperator(
      workspaceByteCount: ElementType.float32.byteCount(of: problem.sumCount + workers * problem.perWorker),
      algorithm: "tiles of \(problem.tile) queries"
    ) { context in
      let run = AttentionGradientRun(problem, context)
      context.workers.forEach(problem.planes * problem.parts.pieces) { index, worker in
        let (plane, part) = index.quotientAndRemainder(dividingBy: problem.parts.pieces)
        // Images and heads that share a mask are one task, so that its gradient is summed in one order.
        for place in problem.heads(of: plane) { run.head(place, part: part, plane: plane, worker: worker) }
      }
      run.joinParts()
    }
  }
}

/// The extents of a gradient of attention, and the places in its workspace.
private struct AttentionGradientProblem: Sendable {
  let batch, heads, n, m, d, valueWidth: Int
  let scale: Float
  /// Parts of the queries, each of which has sums of its own.
  let parts: EvenPieces
  /// The tasks beside the parts: images times heads, or the planes of a mask whose gradient is computed.
  let planes: Int
  let maskBatch, maskHeads: Int
  let givesMask: Bool
  /// Queries of a tile, and floats from a row of scores to the next.
  let tile, scoreStride: Int
  /// The channels of a head with padding to a vector register.
  let paddedWidth, paddedValueWidth: Int
  /// Floats of the transposed keys, the transposed values, and the keys, as panels.
  let keySpace, valueSpace, plainKeySpace: Int

  init(_ gradient: AttentionGradient, _ context: PreparationContext) {
    let (q, k, v) = (context.inputs[1].shape, context.inputs[2].shape, context.inputs[3].shape)
    (batch, heads, n, m) = (q[0], gradient.attention.heads, q[1], k[1])
    (d, valueWidth) = (q[2] / heads, v[2] / heads)
    scale = gradient.attention.scale ?? 1 / Float(max(1, d)).squareRoot()
    let mask = context.inputs.count > 4 ? context.inputs[4].shape : nil
    maskHeads = mask.map { $0.rank == 4 ? $0[1] : 1 } ?? 1
    maskBatch = mask.map { $0.rank == 4 ? $0[0] : 1 } ?? 1
    givesMask = gradient.givesMask
    planes = givesMask ? maskBatch * maskHeads : batch * heads
    // The number of parts depends on the shapes alone.
    parts = EvenPieces(n, largest: planes >= 8 ? max(1, n) : max(256, (n + 7) / 8), multipleOf: 6)
    func aligned(_ count: Int) -> Int { (count + 15) / 16 * 16 }
    scoreStride = aligned(m) + 16
    // Two tiles of scores stay in the second-level cache.
    tile = max(1, min(max(49152 / scoreStride / 6 * 6, 12), 96, n))
    let layout = context.kernels.panelLayout
    keySpace = aligned(layout.count(k: d, n: m))
    valueSpace = aligned(layout.count(k: valueWidth, n: m))
    plainKeySpace = aligned(layout.count(k: m, n: d))
    (paddedWidth, paddedValueWidth) = (aligned(d), aligned(valueWidth))
  }

  /// Floats of the sums of a part of a head: the gradients of keys and values.
  var partSums: Int { m * (paddedWidth + paddedValueWidth) }
  var sumCount: Int { batch * heads * parts.pieces * partSums }
  var perWorker: Int {
    keySpace + valueSpace + plainKeySpace + tile * (2 * scoreStride + paddedWidth + paddedValueWidth)
  }

  /// The images and heads of a task, in order.
  func heads(of plane: Int) -> AttentionHeads {
    guard givesMask else {
      return AttentionHeads(images: plane / heads..<plane / heads + 1, heads: plane % heads..<plane % heads + 1)
    }
    let (image, head) = plane.quotientAndRemainder(dividingBy: maskHeads)
    return AttentionHeads(
      images: maskBatch > 1 ? image..<image + 1 : 0..<batch, heads: maskHeads > 1 ? head..<head + 1 : 0..<heads)
  }
}

/// Some images and some heads of each.
private struct AttentionHeads: Sequence, IteratorProtocol {
  private let heads: Range<Int>
  private let images: Range<Int>
  private var image, head: Int

  init(images: Range<Int>, heads: Range<Int>) {
    (self.images, self.heads) = (images, heads)
    (image, head) = (images.lowerBound, heads.lowerBound)
  }

  mutating func next() -> (image: Int, head: Int)? {
    guard image < images.upperBound, !heads.isEmpty else { return nil }
    defer {
      head += 1
      if head == heads.upperBound { (image, head) = (image + 1, heads.lowerBound) }
    }
    return (image, head)
  }
}

/// The memory of one run.
private struct AttentionGradientRun {
  private let problem: AttentionGradientProblem
  private let dy, q, k, v: TensorView
  private let mask: TensorView?
  private let dq, dk, dv: MutableTensorView
  private let dMask: MutableTensorView?
  private let sums: UnsafeMutablePointer<Float>
  private let device: ComputeDevice

  init(_ problem: AttentionGradientProblem, _ context: RunContext) {
    self.problem = problem
    (dy, q, k, v) = (context.input(0), context.input(1), context.input(2), context.input(3))
    mask = context.inputCount > 4 ? context.input(4) : nil
    (dq, dk, dv) = (context.output(0), context.output(1), context.output(2))
    dMask = problem.givesMask ? context.output(3) : nil
    (sums, device) = (context.scratch, context.device)
  }

  /// Computes the gradients of a part of a head's queries, and adds to its sums.
  func head(_ place: (image: Int, head: Int), part: Int, plane: Int, worker: Int) {
    let (p, image, head) = (problem, place.image, place.head)
    let layout = device.kernels.panelLayout
    let keys = sums + p.sumCount + worker * p.perWorker
    let values = keys + p.keySpace
    let plainKeys = values + p.valueSpace
    let scores = plainKeys + p.plainKeySpace
    let changes = scores + p.tile * p.scoreStride
    let queries = changes + p.tile * p.scoreStride
    let gradients = queries + p.tile * p.paddedWidth
    let firstKey = k.floats + image * p.m * k.rowStride + head * p.d
    let firstValue = v.floats + image * p.m * v.rowStride + head * p.valueWidth
    layout.pack(
      transposing: firstKey, rowStride: k.rowStride, rows: p.d, columns: p.m, scale: p.scale, into: keys, on: device)
    layout.pack(
      transposing: firstValue, rowStride: v.rowStride, rows: p.valueWidth, columns: p.m, into: values, on: device)
    layout.pack(firstKey, rowStride: k.rowStride, rows: p.m, columns: p.d, into: plainKeys)
    let keySums = sums + ((image * p.heads + head) * p.parts.pieces + part) * p.partSums
    let valueSums = keySums + p.m * p.paddedWidth
    let range = p.parts[part]
    if range.isEmpty { keySums.update(repeating: 0, count: p.partSums) }
    // The first of the images and heads that share a mask begins its gradient.
    let isFirst = (p.maskBatch > 1 || image == 0) && (p.maskHeads > 1 || head == 0)
    for first in stride(from: range.lowerBound, to: range.upperBound, by: p.tile) {
      let count = min(p.tile, range.upperBound - first)
      let row = image * p.n + first
      let firstQuery = q.floats + row * q.rowStride + head * p.d
      let firstGradient = dy.floats + row * dy.rowStride + head * p.valueWidth
      device.kernels.panelProduct(
        PanelOperands(
          rows: .strided(firstQuery, stride: q.rowStride), rowCount: count, depth: p.d, panels: keys, columns: p.m,
          into: Destination(scores, stride: p.scoreStride)))
      if let mask { add(mask, plane: maskPlane(image, head), first: first, count: count, to: scores) }
      device.kernels.softmax(
        logarithm: false, scores, xStride: p.scoreStride, scores, yStride: p.scoreStride, rows: count, channels: p.m)
      device.kernels.panelProduct(
        PanelOperands(
          rows: .strided(firstGradient, stride: dy.rowStride), rowCount: count, depth: p.valueWidth, panels: values,
          columns: p.m, into: Destination(changes, stride: p.scoreStride)))
      device.kernels.softmaxGradient(
        ofLogarithm: false, changes, dyStride: p.scoreStride, scores, yStride: p.scoreStride, changes,
        dxStride: p.scoreStride, rows: count, channels: p.m)
      if let dMask { addChanges(changes, to: dMask, plane: plane, first: first, count: count, begins: isFirst) }
      withUnsafePointer(to: p.scale) {
        for row in 0..<count {
          let line = changes + row * p.scoreStride
          device.kernels.combine(.multiply, line, pStep: 1, $0, qStep: 0, line, count: p.m)
        }
      }
      device.kernels.panelProduct(
        PanelOperands(
          rows: .strided(changes, stride: p.scoreStride), rowCount: count, depth: p.m, panels: plainKeys,
          columns: p.d, into: Destination(dq.floats + row * dq.rowStride + head * p.d, stride: dq.rowStride)))
      device.kernels.copyRows(
        firstQuery, xStride: q.rowStride, queries, yStride: p.paddedWidth, rows: count, columns: p.d)
      device.kernels.copyRows(
        firstGradient, xStride: dy.rowStride, gradients, yStride: p.paddedValueWidth, rows: count,
        columns: p.valueWidth)
      let accumulates = first > range.lowerBound
      addProducts(changes, queries, width: p.paddedWidth, rows: count, to: keySums, accumulates)
      addProducts(scores, gradients, width: p.paddedValueWidth, rows: count, to: valueSums, accumulates)
    }
  }

  /// Computes the products of each column of scores with each channel, summed over the rows of a tile.
  private func addProducts(
    _ scores: UnsafePointer<Float>, _ rows: UnsafePointer<Float>, width: Int, rows count: Int,
    to sums: UnsafeMutablePointer<Float>, _ accumulates: Bool
  ) {
    device.kernels.outerProducts(
      OuterProductOperands(
        x: scores, xStride: problem.scoreStride, xRow: 0, y: rows, yStride: width, yRow: 0, rows: 1, columns: count,
        inputs: problem.m, outputs: width, sums: sums, sumStride: width, run: problem.m, runStride: 0,
        accumulates: accumulates))
  }

  private func maskPlane(_ image: Int, _ head: Int) -> Int {
    (problem.maskBatch > 1 ? image * problem.maskHeads : 0) + (problem.maskHeads > 1 ? head : 0)
  }

  private func add(_ mask: TensorView, plane: Int, first: Int, count: Int, to scores: UnsafeMutablePointer<Float>) {
    let rows = mask.floats + (plane * problem.n + first) * mask.rowStride
    for row in 0..<count {
      let line = scores + row * problem.scoreStride
      device.kernels.combine(.add, line, pStep: 1, rows + row * mask.rowStride, qStep: 1, line, count: problem.m)
    }
  }

  private func addChanges(
    _ changes: UnsafePointer<Float>, to dMask: MutableTensorView, plane: Int, first: Int, count: Int, begins: Bool
  ) {
    let rows = dMask.floats + (plane * problem.n + first) * dMask.rowStride
    for row in 0..<count {
      let (line, source) = (rows + row * dMask.rowStride, changes + row * problem.scoreStride)
      if begins {
        line.update(from: source, count: problem.m)
      } else {
        device.kernels.combine(.add, line, pStep: 1, source, qStep: 1, line, count: problem.m)
      }
    }
  }

  /// Sums the parts of each head in their order.
  func joinParts() {
    let p = problem
    device.workers.forEachRange(p.batch * p.heads * p.m, grain: 64) { range, _ in
      for index in range {
        let (place, key) = index.quotientAndRemainder(dividingBy: p.m)
        let (image, head) = place.quotientAndRemainder(dividingBy: p.heads)
        let row = image * p.m + key
        let keySums = sums + place * p.parts.pieces * p.partSums + key * p.paddedWidth
        let valueSums = sums + place * p.parts.pieces * p.partSums + p.m * p.paddedWidth + key * p.paddedValueWidth
        join(keySums, p.d, into: dk.floats + row * dk.rowStride + head * p.d)
        join(valueSums, p.valueWidth, into: dv.floats + row * dv.rowStride + head * p.valueWidth)
      }
    }
  }

  private func join(_ parts: UnsafePointer<Float>, _ count: Int, into result: UnsafeMutablePointer<Float>) {
    result.update(from: parts, count: count)
    for part in 1..<max(1, problem.parts.pieces) {
      device.kernels.combine(
        .add, result, pStep: 1, parts + part * problem.partSums, qStep: 1, result, count: count)
    }
  }
}
