/// A product of rows with a constant matrix by Strassen's algorithm, with seven products of quarter matrices instead of eight.
///
/// With A = (A₁₁ A₁₂; A₂₁ A₂₂) and B likewise,
///
///     M₁ = (A₁₁ + A₂₂)(B₁₁ + B₂₂)    M₂ = (A₂₁ + A₂₂) B₁₁    M₃ = A₁₁ (B₁₂ − B₂₂)    M₄ = A₂₂ (B₂₁ − B₁₁)
///     M₅ = (A₁₁ + A₁₂) B₂₂           M₆ = (A₂₁ − A₁₁)(B₁₁ + B₁₂)               M₇ = (A₁₂ − A₂₂)(B₂₁ + B₂₂)
///
/// give C = (M₁ + M₄ − M₅ + M₇, M₃ + M₅; M₂ + M₄, M₁ − M₂ + M₃ + M₆) (Strassen 1969, Gaussian elimination is not optimal). The sums of
/// B are packed beforehand, those of A made for some rows at a time. Rounding errors are some three times those of the plain product: sums
/// of quarters are rounded, and large products cancel.
struct StrassenProduct: Sendable {
  /// The numbers of rows and columns of B.
  let k, n: Int
  let layout: PanelLayout

  /// Makes a product; `nil` unless B's quarters consist of whole registers and panels.
  init?(k: Int, n: Int, layout: PanelLayout) {
    guard k > 0, n > 0, k % (2 * layout.unit) == 0, n % (2 * layout.width) == 0 else { return nil }
    self.k = k
    self.n = n
    self.layout = layout
  }

  /// Floats of one of the seven right-hand matrices.
  private var quarterCount: Int { layout.count(k: k / 2, n: n / 2) }

  /// Floats of the packed form: seven quarters, where plain packing has four.
  var packedCount: Int { 7 * quarterCount }

  /// The quarters of B that are summed to each of the seven right-hand matrices: row, column, sign.
  private static let terms: [[(row: Int, column: Int, sign: Float)]] = [
    [(0, 0, 1), (1, 1, 1)], [(0, 0, 1)], [(0, 1, 1), (1, 1, -1)], [(1, 0, 1), (0, 0, -1)], [(1, 1, 1)],
    [(0, 0, 1), (0, 1, 1)], [(1, 0, 1), (1, 1, 1)],
  ]

  /// Packs B, whose element (row, column) is `b[row · rowStride + column · columnStride]`.
  func pack(
    _ b: UnsafePointer<Float>, rowStride: Int, columnStride: Int, into packed: UnsafeMutablePointer<Float>,
    over workers: WorkerPool
  ) {
    let (depth, width) = (k / 2, layout.width)
    let panels = n / 2 / width
    workers.forEach(7 * panels) { index, _ in
      let (product, panel) = index.quotientAndRemainder(dividingBy: panels)
      let column = panel * width
      let target = packed + product * quarterCount + layout.offset(ofPanelAt: column, k: depth)
      for (index, term) in StrassenProduct.terms[product].enumerated() {
        let quarter = b + term.row * depth * rowStride + (term.column * n / 2 + column) * columnStride
        for row in 0..<depth {
          let (source, line) = (quarter + row * rowStride, target + row * width)
          for place in 0..<width {
            let element = term.sign * source[place * columnStride]
            line[place] = index == 0 ? element : line[place] + element
          }
        }
      }
    }
  }

  /// The row stride of the sums in floats, a little more than a row, so that it is no power of two.
  private var sumStride: Int { k / 2 + layout.unit }

  /// Computes the scratch memory of a product in floats, for a number of rows.
  func scratchCount(rows: Int) -> Int { (rows + 1) / 2 * (5 * sumStride + 7 * layout.width) }

  /// Multiplies rows and computes the columns `columns`, whole panels, of the result's left half and the corresponding columns of its right
  /// half.
  ///
  /// - Precondition: There are at least two rows.
  func run(
    _ x: UnsafePointer<Float>, xStride: Int, rows: Int, packed: UnsafePointer<Float>, columns: Range<Int>,
    epilogue: Epilogue = Epilogue(), into result: Destination, on device: ComputeDevice,
    scratch: UnsafeMutablePointer<Float>
  ) {
    precondition(rows > 1, "Strassen's product takes two rows or more, not \(rows)")
    let (half, depth, width) = ((rows + 1) / 2, k / 2, layout.width)
    let lower = rows - half
    let products = scratch + 5 * half * sumStride
    device.kernels.strassenSums(
      x, xStride: xStride, rows: half, lower: lower, depth: depth, scratch, sumStride: sumStride)
    // Returns the left-hand matrix of each product: quarters of A for M₃ and M₄, the sums in order for the others.
    func left(_ product: Int) -> PanelOperands.Rows {
      switch product {
      case 2: .strided(x, stride: xStride)
      case 3: .strided(x + lower * xStride + depth, stride: xStride)
      default:
        .strided(scratch + (product < 2 ? product : product - 2) * half * sumStride, stride: sumStride)
      }
    }
    for column in stride(from: columns.lowerBound, to: columns.upperBound, by: width) {
      prefetch(epilogue, result, column: column, rows: rows, on: device)
      for index in 0..<7 {
        device.kernels.panelProduct(
          PanelOperands(
            rows: left(index), rowCount: half, depth: depth,
            panels: packed + index * quarterCount + layout.offset(ofPanelAt: column, k: depth), columns: width,
            into: Destination(products + index * half * width, stride: width)))
      }
      device.kernels.strassenResult(
        StrassenOperands(
          rows: half, lower: lower, columns: width, right: n / 2, products: products,
          epilogue: epilogue.part(column: column), result: result.part(column: column)))
    }
  }
}

extension StrassenProduct {
  /// Prefetches the destination of a panel's results and their residual, in both halves, while its products are computed. The
  /// destination is prefetched for reading: prefetching it for writing makes FCN 1 to 2 % slower.
  private func prefetch(
    _ epilogue: Epilogue, _ result: Destination, column: Int, rows: Int, on device: ComputeDevice
  ) {
    func prefetchRow(_ row: Int, _ column: Int) {
      device.kernels.prefetch(result.row(row) + column, count: layout.width)
      if let residual = epilogue.residual {
        device.kernels.prefetch(residual + row * epilogue.residualStride + column, count: layout.width)
      }
    }
    for row in 0..<rows {
      prefetchRow(row, column)
      prefetchRow(row, n / 2 + column)
    }
  }
}
