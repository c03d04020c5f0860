/// Winograd's minimal filtering F(m × m, r × r) of r = 3 or 2 taps: m · m outputs of an r × r correlation from (m + r − 1)² products instead
/// of r² m² (Winograd 1980; Lavin and Gray 2016).
///
/// A tile d of n × n inputs, n = m + r − 1, and a filter g give Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A. The matrices come from Cook and Toom's
/// way of multiplying polynomials: with V the n × n matrix of powers at n points (the last of them infinity), product and factors
/// are s = V⁻¹ [(V x) ⊙ (V g)]; its transpose with respect to x is the filter. So A and G are the first m and r columns of V, and Bᵀ
/// is V⁻ᵀ, which is solved for, each row scaled to a leading coefficient of 1 and G by the inverse.
///
/// The points are 0, ±a₁, ±a₂ … and infinity: then each row of Bᵀ and Aᵀ for +a differs from that for −a by the sign of every other
/// coefficient, and the transforms compute the two halves once for both.
///
/// ``isolatedTwo`` and ``isolatedThree`` are for maps of up to m by m pixels with zeros around them, such as the phases of an atrous
/// convolution whose rate is half the map or more, or a third. The outputs of an axis, y_i = Σ w_{j−i} x_j, are then themselves a filter
/// F(m, m), of the weights by the pixels: 2 m − 1 products an axis, the pixels in the place of the taps. Where a map has fewer than m
/// pixels some of the products are zero, or go to outputs that do not exist.
package struct WinogradFiltering: Hashable, Sendable {
  /// Outputs of a tile along each axis, m.
  package let outputs: Int
  /// Pixels that a tile reads along each axis.
  package let reads: Int
  /// Evaluation points along each axis, n; a tile has n² products.
  package let inputs: Int
  /// The name in reports: m × m.
  package let name: String
  /// Bᵀ, `[n][reads]`.
  package let inputTransform: [[Double]]
  /// Taps of the correlation along each axis, r.
  package let taps: Int
  /// G, `[n][r]`.
  package let filterTransform: [[Double]]
  /// Aᵀ, `[m][n]`.
  package let outputTransform: [[Double]]
  /// Pairs of points ±a where the points are 0, such pairs and ∞, so that the transforms fall into halves; else 0.
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
  /// For maps of up to two by two pixels with zeros around: 9 products where the definition has 16 that are not zero.
  package static let isolatedTwo = WinogradFiltering(isolatedPoints: [0, 1])
  /// For maps of up to three by three pixels with zeros around: 25 products where the definition has 49 that are not zero.
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

  /// F(m, m) of weights by pixels at 2 m − 2 finite points and ∞.
  private init(isolatedPoints: [Double]) {
    let m = isolatedPoints.count / 2 + 1
    let matrices = CookToom(finitePoints: isolatedPoints, outputs: m, taps: m)
    // Along an axis the filter's data are the weights by falling offset, w₁ w₀ w₋₁ in the middle of 2 m − 1 places, and its taps the
    // pixels x_{m−1} … x₀; checkpoints hold w₋₁ w₀ w₁.
    self.init(
      outputs: m, reads: m, inputs: 2 * m - 1, name: "isolated \(m)×\(m)",
      inputTransform: matrices.filter.map { $0.reversed() }, taps: 3,
      filterTransform: matrices.input.map { $0[(m - 2)...m].reversed() }, outputTransform: matrices.output, pairs: 0,
      points: isolatedPoints)
  }

  /// Makes the filtering of the points 0, ±a for each given a, and ∞.
  ///
  /// - Precondition: one to three different positive numbers, three taps or two.
  package init(pairs points: [Double], taps: Int = 3) {
    precondition(taps == 2 || taps == 3, "three taps or two, not \(taps)")
    precondition(
      (1...3).contains(points.count) && Set(points).count == points.count && points.allSatisfy { $0 > 0 },
      "one to three different positive points, not \(points)")
    self.init(finitePoints: [0] + points.flatMap { [$0, -$0] }, pairs: points.count, taps: taps)
  }

  /// Products of a tile, n².
  package var products: Int { inputs * inputs }

  /// Whether it is for maps with zeros around them.
  var isIsolated: Bool { reads == outputs }

  /// Whether the products at a point along an axis matter to an isolated map that has some of the m pixels: they do where pixels that
  /// exist go into them and outputs that exist come from them.
  func needs(point: Int, extent: Int) -> Bool {
    !isIsolated
      || inputTransform[point].prefix(extent).contains { $0 != 0 }
        && outputTransform.prefix(extent).contains { $0[point] != 0 }
  }

  /// A name that differs where transformed weights do.
  var packing: String { "\(name) at \(points)" }

  /// The positive points, where they are pairs.
  var positivePoints: [Double] { pairs == 0 ? [] : points.filter { $0 > 0 } }
}

/// The matrices of a filter by Cook and Toom's way.
private struct CookToom {
  /// Bᵀ, `[n][n]`, each row with a leading coefficient of 1.
  let input: [[Double]]
  /// G, `[n][taps]`.
  let filter: [[Double]]
  /// Aᵀ, `[m][n]`.
  let output: [[Double]]

  /// For `outputs` + `taps` − 2 finite points and infinity.
  init(finitePoints: [Double], outputs: Int, taps: Int) {
    let n = finitePoints.count + 1
    precondition(n == outputs + taps - 1, "\(outputs) outputs of \(taps) taps take \(outputs + taps - 2) finite points")
    // The powers x⁰ … at every point; infinity has the highest power alone.
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
