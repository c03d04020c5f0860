/// Winograd's minimal filtering F(m × m, r × r) of r = 3 or 2 taps: m · m outputs of an r × r correlation from (m + r − 1)² products
/// instead of r² m² (Winograd 1980; Lavin and Gray 2016).
///
/// A tile d of n × n inputs, n = m + r − 1, and a filter g give Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A. The matrices come from the Cook–Toom
/// algorithm for products of polynomials. With V the n × n matrix of powers at n points (the last of them infinity), a product is s = V⁻¹
/// [(V x) ⊙ (V g)]; its transpose with respect to x is the filter. So A and G are the first m and r columns of V, and Bᵀ is V⁻ᵀ. Each row
/// of Bᵀ is scaled to a leading coefficient of 1, and G by the inverse.
///
/// The points are 0, ±a₁, ±a₂ … and infinity. Then the rows of Bᵀ and Aᵀ for +a and −a differ only by the sign of every other coefficient,
/// and the transforms compute both halves once for the two.
///
/// ``isolatedTwo`` and ``isolatedThree`` are for maps of up to m by m pixels with zeros around them, such as the phases of an atrous
/// convolution whose rate is at least half the map, or a third of it. The outputs of an axis, y_i = Σ w_{j−i} x_j, are then a filter F(m,
/// m) of the weights, with the pixels as taps: 2 m − 1 products per axis. If a map has fewer than m pixels, some of the products are zero,
/// or only contribute to outputs that do not exist.
package struct WinogradFiltering: Hashable, Sendable {
  /// The number of outputs of a tile along each axis, m.
  package let outputs: Int
  /// The number of pixels that a tile reads along each axis.
  package let reads: Int
  /// The number of evaluation points along each axis, n; a tile has n² products.
  package let inputs: Int
  /// The name in reports: m × m.
  package let name: String
  /// Bᵀ, `[n][reads]`.
  package let inputTransform: [[Double]]
  /// The number of taps of the correlation along each axis, r.
  package let taps: Int
  /// G, `[n][r]`.
  package let filterTransform: [[Double]]
  /// Aᵀ, `[m][n]`.
  package let outputTransform: [[Double]]
  /// The number of pairs ±a if the points are 0, such pairs and ∞, so that the transforms split into halves; else 0.
  let pairs: Int
  private let points: [Double]

  /// F(2 × 2, 3 × 3), 2.25 times fewer products than the definition.
  package static let two = WinogradFiltering(pairs: [1])
  /// F(3 × 3, 3 × 3), 3.24 times fewer.
  package static let three = WinogradFiltering(finitePoints: [0, 1, -1, 2])
  /// F(4 × 4, 3 × 3), 4 times fewer.
  package static let four = WinogradFiltering(pairs: [1, 2])
  /// F(6 × 6, 3 × 3), 5.06 times fewer.
  package static let six = WinogradFiltering(pairs: [1, 2, 0.5])
  /// F(5 × 5, 2 × 2) for each phase of a transposed convolution of 4 × 4 taps and stride 2, 2.78 times fewer than the definition.
  package static let transposedFive = WinogradFiltering(pairs: [1, 2], taps: 2)
  /// F(7 × 7, 2 × 2) for each phase, 3.06 times fewer.
  package static let transposedSeven = WinogradFiltering(pairs: [1, 2, 0.5], taps: 2)
  /// For maps of up to two by two pixels with zeros around: 9 products instead of the definition's 16 non-zero ones.
  package static let isolatedTwo = WinogradFiltering(isolatedPoints: [0, 1])
  /// For maps of up to three by three pixels with zeros around: 25 products instead of the definition's 49 non-zero ones.
  package static let isolatedThree = WinogradFiltering(isolatedPoints: [0, 1, -1, 2])

  private init(
    outputs: Int, reads: Int, inputs: Int, name: String, inputTransform: [[Double]], taps: Int,
    filterTransform: [[Double]],
    outputTransform: [[Double]], pairs: Int, points: [Double]
  ) {
    self.outputs = outputs
    self.reads = reads
    self.inputs = inputs
    self.name = name
    self.inputTransform = inputTransform
    self.taps = taps
    self.filterTransform = filterTransform
    self.outputTransform = outputTransform
    self.pairs = pairs
    self.points = points
  }

  private init(finitePoints: [Double], pairs: Int = 0, taps: Int = 3) {
    let n = finitePoints.count + 1
    let m = n + 1 - taps
    let matrices = CookToom(finitePoints: finitePoints, outputs: m, taps: taps)
    self.init(
      outputs: m, reads: n, inputs: n, name: (taps == 2 ? "transposed " : "") + "\(m)×\(m)",
      inputTransform: matrices.input, taps: taps, filterTransform: matrices.filter, outputTransform: matrices.output,
      pairs: pairs, points: finitePoints)
  }

  /// Makes F(m, m) of weights by pixels at 2 m − 2 finite points and ∞.
  private init(isolatedPoints: [Double]) {
    let m = isolatedPoints.count / 2 + 1
    let matrices = CookToom(finitePoints: isolatedPoints, outputs: m, taps: m)
    // Along an axis the filter's data are the weights in reverse order, w₁ w₀ w₋₁ in the middle of 2 m − 1 elements, and its taps are the
    // pixels x_{m−1} … x₀. Checkpoints hold w₋₁ w₀ w₁.
    self.init(
      outputs: m, reads: m, inputs: 2 * m - 1, name: "isolated \(m)×\(m)",
      inputTransform: matrices.filter.map { $0.reversed() }, taps: 3,
      filterTransform: matrices.input.map { $0[(m - 2)...m].reversed() }, outputTransform: matrices.output, pairs: 0,
      points: isolatedPoints)
  }

  /// Makes the filtering of the points 0, ±a for each given a, and ∞.
  ///
  /// - Precondition: There are one to three different positive numbers, and three taps or two.
  package init(pairs points: [Double], taps: Int = 3) {
    precondition(taps == 2 || taps == 3, "three taps or two, not \(taps)")
    precondition(
      (1...3).contains(points.count) && Set(points).count == points.count && points.allSatisfy { $0 > 0 },
      "one to three different positive points, not \(points)")
    self.init(finitePoints: [0] + points.flatMap { [$0, -$0] }, pairs: points.count, taps: taps)
  }

  /// The number of products of a tile, n².
  package var products: Int { inputs * inputs }

  /// Whether it is for maps with zeros around them.
  var isIsolated: Bool { reads == outputs }

  /// Returns whether the products at a point along an axis are needed for an isolated map of `extent` of the m pixels. They are if existing
  /// pixels contribute to them and they contribute to existing outputs.
  func needs(point: Int, extent: Int) -> Bool {
    !isIsolated
      || inputTransform[point].prefix(extent).contains { $0 != 0 }
        && outputTransform.prefix(extent).contains { $0[point] != 0 }
  }

  /// A key that differs if transformed weights do.
  var packing: String { "\(name) at \(points)" }

  /// The positive points if the points are pairs, else empty.
  var positivePoints: [Double] { pairs == 0 ? [] : points.filter { $0 > 0 } }
}

/// The matrices of a filter by the Cook–Toom algorithm.
private struct CookToom {
  /// Bᵀ, `[n][n]`, each row with a leading coefficient of 1.
  let input: [[Double]]
  /// G, `[n][taps]`.
  let filter: [[Double]]
  /// Aᵀ, `[m][n]`.
  let output: [[Double]]

  /// Computes the matrices for `outputs` + `taps` − 2 finite points and infinity.
  init(finitePoints: [Double], outputs: Int, taps: Int) {
    let n = finitePoints.count + 1
    precondition(n == outputs + taps - 1, "\(outputs) outputs of \(taps) taps take \(outputs + taps - 2) finite points")
    // Computes the powers x⁰ … at every point. At infinity only the highest power is not zero.
    func powers(_ columns: Int) -> [[Double]] {
      finitePoints.map { point in (0..<columns).map { power in (0..<power).reduce(1) { result, _ in result * point } } }
        + [(0..<columns).map { $0 == columns - 1 ? 1 : 0 }]
    }
    let v = powers(n)
    let transposed = (0..<n).map { row in v.map { $0[row] } }
    let identity = (0..<n).map { row in (0..<n).map { row == $0 ? 1.0 : 0 } }
    guard let inverse = LinearAlgebra.solve(transposed, identity) else {
      preconditionFailure("different points have a regular matrix of powers")
    }
    // Row i of V⁻ᵀ holds the coefficients of point i's Lagrange polynomial; the highest is its leading coefficient.
    let leading = inverse.map { row in row.last { abs($0) > 1e-12 } ?? 1 }
    input = zip(inverse, leading).map { row, leading in row.map { $0 / leading } }
    filter = zip(powers(taps), leading).map { row, leading in row.map { $0 * leading } }
    let a = powers(outputs)
    output = (0..<outputs).map { row in a.map { $0[row] } }
  }
}
