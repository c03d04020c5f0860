/// The matrix product, for each index of the outer axes.
///
/// Inputs: a `[…, m, k]`, b `[…, k, n]`, each optionally transposed (`[…, k, m]`, `[…, n, k]`). The outer axes broadcast under NumPy's
/// rule. Output: `[…, m, n]`. Sums are float32 in the backend's order: tested to 2e-7 · √k · (largest |a|) · (largest |b|) · 4.
public struct MatMul: Operator {
  public static let name = "MatMul"

  /// Whether the last two axes of a are transposed.
  public let transposesA: Bool
  /// Whether the last two axes of b are transposed.
  public let transposesB: Bool

  /// Makes the operator.
  public init(transposingA: Bool = false, transposingB: Bool = false) {
    transposesA = transposingA
    transposesB = transposingB
  }

  public var latencyKind: String { title }

  public var attributes: String {
    [transposesA ? "aᵀ" : "", transposesB ? "bᵀ" : ""].filter { !$0.isEmpty }.joined(separator: " ")
  }

  /// Returns rows, columns and inner extent of the product.
  private func extents(_ a: Shape, _ b: Shape) -> (m: Int, n: Int, k: Int) {
    (
      a[a.rank - (transposesA ? 1 : 2)], b[b.rank - (transposesB ? 2 : 1)],
      a[a.rank - (transposesA ? 2 : 1)]
    )
  }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 2...2)
    for input in inputs { try requireFloat(input) }
    let (a, b) = (inputs[0].shape, inputs[1].shape)
    try require(a.rank >= 2 && b.rank >= 2, "\(a) and \(b) are not both matrices")
    let (m, n, k) = extents(a, b)
    let with = [transposesA ? "the first transposed" : "", transposesB ? "the second transposed" : ""]
      .filter { !$0.isEmpty }.joined(separator: " and ")
    try require(
      b[b.rank - (transposesB ? 1 : 2)] == k,
      "\(a) and \(b)\(with.isEmpty ? "" : ", \(with),") have no product: the inner extents differ")
    guard let outer = Shape(Array(a.dimensions.dropLast(2))).broadcast(with: Shape(Array(b.dimensions.dropLast(2))))
    else {
      throw ShapeError(Self.name, "the outer axes of \(a) and \(b) do not broadcast to one shape")
    }
    return [TensorSpec(try shape(outer.dimensions + [m, n]))]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    let k = extents(inputs[0].shape, inputs[1].shape).k
    return Cost(macs: outputs[0].shape.elementCount * k, reading: inputs, writing: outputs)
  }

  public var takesRowStrides: Bool { true }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (a, b) = (context.inputs[0].shape, context.inputs[1].shape)
    let (m, n, k) = extents(a, b)
    let outer = Shape(Array(context.outputs[0].shape.dimensions.dropLast(2)))
    // The index of each product's matrix in each operand.
    let aMatrices = MatMul.matrices(of: a, for: outer)
    let bMatrices = MatMul.matrices(of: b, for: outer)
    let (transposesA, transposesB) = (transposesA, transposesB)
    let tiles = ProductTiles(rows: m, columns: n, products: outer.elementCount, workers: context.workers)
    let (aRows, bRows) = (a[a.rank - 2], b[b.rank - 2])
    return PreparedOperator { context in
      let (a, b, y) = (context.input(0), context.input(1), context.output())
      tiles.run(over: context.workers) { product, rows, columns, _ in
        let aMatrix = a.floats + aMatrices[product] * aRows * a.rowStride
        let bMatrix = b.floats + bMatrices[product] * bRows * b.rowStride
        context.backend.gemm(
          transposeA: transposesA, transposeB: transposesB, m: rows.count, n: columns.count, k: k, alpha: 1,
          aMatrix + rows.lowerBound * (transposesA ? 1 : a.rowStride), a.rowStride,
          bMatrix + columns.lowerBound * (transposesB ? b.rowStride : 1), b.rowStride, beta: 0,
          y.floats + (product * m + rows.lowerBound) * y.rowStride + columns.lowerBound, y.rowStride)
      }
    }
  }

  private static func matrices(of shape: Shape, for outer: Shape) -> ContiguousArray<Int> {
    let extents = Array(shape.dimensions.dropLast(2))
    let missing = outer.rank - extents.count
    return ContiguousArray(
      (0..<outer.elementCount).map { index in
        var rest = index
        var matrix = 0
        var step = 1
        for axis in stride(from: outer.rank - 1, through: missing, by: -1) {
          let place: Int
          (rest, place) = rest.quotientAndRemainder(dividingBy: outer[axis])
          if extents[axis - missing] > 1 { matrix += place * step }
          step *= extents[axis - missing]
        }
        return matrix
      })
  }
}

extension MatMul: MatrixProduct {}

extension Value {
  /// Multiplies this matrix (or these matrices) by another.
  public func matmul(
    _ other: Value, transposingA: Bool = false, transposingB: Bool = false, named name: String = "matmul",
    file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(
      MatMul(transposingA: transposingA, transposingB: transposingB), named: name, with: [other], file: file, line: line
    )
  }
}

extension MatMul {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    .everything(of: inputs[index])
  }
}

extension MatMul: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    let (a, b, dy) = (context.inputs[0], context.inputs[1], context.outputGradient)
    func gradient(_ index: Int, _ value: () -> Value) -> Value? {
      context.requiresGradient[index] ? value().summed(to: context.inputs[index].shape) : nil
    }
    return [
      gradient(0) {
        transposesA
          ? b.matmul(dy, transposingA: transposesB, transposingB: true, named: "left")
          : dy.matmul(b, transposingB: !transposesB, named: "left")
      },
      gradient(1) {
        transposesB
          ? dy.matmul(a, transposingA: true, transposingB: transposesA, named: "right")
          : a.matmul(dy, transposingA: !transposesA, named: "right")
      },
    ]
  }
}
