/// A constant right-hand matrix of a product, `k` × `n`, cut into panels of columns that each lie together, and the product with
/// it.
///
/// OpenBLAS has a second kernel for small products on AVX-512 processors, which multiplies the operands where they lie instead of
/// copying them into its own order first. Cut into products of at most ``Backend/smallProductLimit`` multiply–adds (64 columns,
/// up to 128 rows of B, what is left for rows of A), it runs at 1.05 to 1.15 of the rate of a large sgemm, and A may be any
/// rows at a constant distance: pixels of an image with a stride between them. Matrices beyond a few megabytes run faster as one
/// product, because a small one uses a panel too seldom for the time it takes to come from memory.
struct PanelProduct: Sendable {
  /// Rows of B.
  let k: Int
  /// Columns of B.
  let n: Int
  /// Columns of a panel; `n` where B is one panel.
  let width: Int
  private let blockDepth: Int
  private let blockVolume: Int

  private static let panelWidth = 64
  private static let panelDepth = 128
  /// Bytes of B above which one large product is faster.
  private static let largestByteCount = 1 << 22

  init(k: Int, n: Int, on backend: any Backend) {
    self.k = k
    self.n = n
    if let limit = backend.smallProductLimit, k * n * 4 <= PanelProduct.largestByteCount {
      width = min(n, PanelProduct.panelWidth)
      blockDepth = PanelProduct.panelDepth
      blockVolume = limit
    } else {
      width = n
      blockDepth = .max
      blockVolume = .max
    }
  }

  /// Whether products are cut to run without copying their operands.
  var isCut: Bool { blockVolume != .max }

  /// Rows of A that one small product takes at a depth of `depth`.
  func blockRows(depth: Int) -> Int {
    guard isCut else { return .max }
    return max(4, blockVolume / (width * min(max(depth, 1), blockDepth)) / 4 * 4)
  }

  /// Number of floats of the panels.
  var count: Int { k * n }

  /// A name of the layout, under which packed weights are shared.
  var layoutName: String { "panels\(width)" }

  /// Where an element of B lies in the panels.
  func offset(row: Int, column: Int) -> Int {
    let panel = column / width
    let columns = min(width, n - panel * width)
    return panel * width * k + row * columns + column - panel * width
  }

  /// C[m × n] ← A[m × depth] · B[firstRow ..< firstRow + depth, :], added to C or in its place.
  func multiply(
    on backend: any Backend, m: Int, _ a: UnsafePointer<Float>, _ lda: Int, _ panels: UnsafePointer<Float>,
    firstRow: Int = 0, depth: Int, adding: Bool, _ c: UnsafeMutablePointer<Float>, _ ldc: Int
  ) {
    for column in stride(from: 0, to: n, by: width) {
      multiply(
        on: backend, m: m, a, lda, panels, column: column, firstRow: firstRow, depth: depth, adding: adding, c, ldc)
    }
  }

  /// The part of ``multiply(on:m:_:_:_:firstRow:depth:adding:_:_:)`` that belongs to the panel which begins at `column`.
  func multiply(
    on backend: any Backend, m: Int, _ a: UnsafePointer<Float>, _ lda: Int, _ panels: UnsafePointer<Float>, column: Int,
    firstRow: Int, depth: Int, adding: Bool, _ c: UnsafeMutablePointer<Float>, _ ldc: Int
  ) {
    let columns = min(width, n - column)
    let panel = panels + column * k
    let rows = blockRows(depth: depth)
    var first = 0
    while first < depth {
      let block = min(blockDepth, depth - first)
      var row = 0
      while row < m {
        let blockRows = min(rows, m - row)
        backend.gemm(
          transposeA: false, transposeB: false, m: blockRows, n: columns, k: block, alpha: 1, a + row * lda + first,
          lda,
          panel + (firstRow + first) * columns, columns, beta: adding || first > 0 ? 1 : 0, c + row * ldc + column, ldc)
        row += blockRows
      }
      first += block
    }
  }
}
