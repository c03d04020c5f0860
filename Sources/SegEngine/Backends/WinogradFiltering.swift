/// Winograd's minimal filtering F(m × m, 3 × 3): m · m outputs of a 3 × 3 correlation from (m + 2)² products instead of 9 m²
/// (Winograd 1980; Lavin and Gray 2016).
///
/// A tile d of n × n inputs, n = m + 2, and a filter g give Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A. The matrices come from Cook and Toom's
/// way of multiplying polynomials: with V the n × n matrix of powers at n points (the last of them infinity), product and factors
/// are s = V⁻¹ [(V x) ⊙ (V g)]; its transpose with respect to x is the filter. So A and G are the first m and three columns of V, and Bᵀ
/// is V⁻ᵀ, which is solved for, each row scaled to a leading coefficient of 1 and G by the inverse.
///
/// The points are 0, ±a₁, ±a₂ … and infinity: then each row of Bᵀ and Aᵀ for +a differs from that for −a by the sign of every other
/// coefficient, and the transforms compute the two halves once for both.
public struct WinogradFiltering: Hashable, Sendable {
  /// Outputs of a tile along each axis.
  public let outputs: Int
  /// The positive points a₁, a₂, …; outputs = 2 · their number.
  public let points: [Double]

  /// F(2 × 2, 3 × 3), 2.25 times fewer products than the definition.
  public static let two = WinogradFiltering(points: [1])
  /// F(4 × 4, 3 × 3), 4 times fewer.
  public static let four = WinogradFiltering(points: [1, 2])
  /// F(6 × 6, 3 × 3), 5.06 times fewer.
  public static let six = WinogradFiltering(points: [1, 2, 0.5])

  /// Makes the filtering of the points 0, ±`points`, ∞.
  ///
  /// - Precondition: one to three different positive points.
  public init(points: [Double]) {
    precondition(
      (1...3).contains(points.count) && Set(points).count == points.count && points.allSatisfy { $0 > 0 },
      "one to three different positive points, not \(points)")
    self.points = points
    outputs = 2 * points.count
  }

  /// Inputs of a tile along each axis, and evaluation points: n = m + 2.
  public var inputs: Int { outputs + 2 }

  /// Products of a tile, n².
  public var products: Int { inputs * inputs }

  /// The finite points in the order of the matrices' rows: 0, a₁, −a₁, a₂, −a₂ …
  private var finitePoints: [Double] { [0] + points.flatMap { [$0, -$0] } }

  /// The powers x⁰ … xᵉ⁻¹ at every point, e the number of columns; infinity has the highest power alone.
  private func powers(columns: Int) -> [[Double]] {
    finitePoints.map { point in (0..<columns).map { power in (0..<power).reduce(1) { result, _ in result * point } } }
      + [(0..<columns).map { $0 == columns - 1 ? 1 : 0 }]
  }

  /// Bᵀ with rows as they come out of V⁻ᵀ, and the coefficient by which each is to be divided.
  private var unscaledInputTransform: (rows: [[Double]], leading: [Double]) {
    let v = powers(columns: inputs)
    let transposed = (0..<inputs).map { row in v.map { $0[row] } }
    let identity = (0..<inputs).map { row in (0..<inputs).map { row == $0 ? 1.0 : 0 } }
    guard let inverse = LinearAlgebra.solve(transposed, identity) else {
      preconditionFailure("different points have a regular matrix of powers")
    }
    // Row i of V⁻ᵀ holds the coefficients of point i's Lagrange polynomial; the highest is its leading coefficient.
    let leading = inverse.map { row in row.last { abs($0) > 1e-12 } ?? 1 }
    return (inverse, leading)
  }

  /// Bᵀ, `[n][n]`.
  public var inputTransform: [[Double]] {
    let (rows, leading) = unscaledInputTransform
    return zip(rows, leading).map { row, leading in row.map { $0 / leading } }
  }

  /// G, `[n][3]`.
  public var filterTransform: [[Double]] {
    zip(powers(columns: 3), unscaledInputTransform.leading).map { row, leading in row.map { $0 * leading } }
  }

  /// Aᵀ, `[m][n]`.
  public var outputTransform: [[Double]] {
    let a = powers(columns: outputs)
    return (0..<outputs).map { row in a.map { $0[row] } }
  }
}

/// A convolution by Winograd's filtering on one image: the geometry of its tiles in memory.
public struct WinogradTiling: Sendable {
  /// The transforms.
  public let filtering: WinogradFiltering
  /// Extents of the image and of the result.
  public let input, output: Extent2D
  /// Channels of each.
  public let inputChannels, outputChannels: Int
  /// Pixels from one element of a tile to the next: the dilation.
  public let step: Extent2D
  /// Floats from one pixel to the next, of the image, the result and the residual.
  public var xStride, yStride, residualStride: Int
  /// Floats from one of the n · n planes to the next.
  public var inputPlane, outputPlane: Int
  /// What the kernels read of the transforms.
  let coefficients: Coefficients

  /// Describes tiles; strides are those of contiguous maps.
  public init(
    _ filtering: WinogradFiltering, input: Extent2D, inputChannels: Int, output: Extent2D, outputChannels: Int,
    step: Extent2D, inputPlane: Int, outputPlane: Int
  ) {
    self.filtering = filtering
    self.input = input
    self.output = output
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.step = step
    xStride = inputChannels
    yStride = outputChannels
    residualStride = outputChannels
    self.inputPlane = inputPlane
    self.outputPlane = outputPlane
    coefficients = Coefficients(filtering)
  }

  /// The numbers of Bᵀ and Aᵀ that are not the same for every set of points, in fixed places.
  struct Coefficients: Sendable {
    typealias Three = (Float, Float, Float)
    /// a₁, a₂, a₃.
    var points: Three = (0, 0, 0)
    /// Row 0 of Bᵀ at its even places: Π over b of (x² − b²), below the leading 1.
    var whole: Three = (0, 0, 0)
    /// Row of point aᵢ at its even places from x² on: the same without the factor of aᵢ.
    var others: ((Float, Float), (Float, Float), (Float, Float)) = ((0, 0), (0, 0), (0, 0))
    /// Column of point aᵢ in Aᵀ from row 1 on.
    var powers: (Five, Five, Five) = ((0, 0, 0, 0, 0), (0, 0, 0, 0, 0), (0, 0, 0, 0, 0))
    typealias Five = (Float, Float, Float, Float, Float)

    init(_ filtering: WinogradFiltering) {
      let (b, a) = (filtering.inputTransform, filtering.outputTransform)
      let pairs = filtering.points.count
      func entry(_ row: [Double], _ index: Int) -> Float { index < row.count ? Float(row[index]) : 0 }
      func point(_ i: Int) -> Float { i < pairs ? Float(filtering.points[i]) : 0 }
      points = (point(0), point(1), point(2))
      func evenEntry(_ j: Int) -> Float { j < pairs ? entry(b[0], 2 * j) : 0 }
      whole = (evenEntry(0), evenEntry(1), evenEntry(2))
      func other(_ i: Int, _ j: Int) -> Float { i < pairs && j < pairs - 1 ? entry(b[2 * i + 1], 2 * j + 2) : 0 }
      others = ((other(0, 0), other(0, 1)), (other(1, 0), other(1, 1)), (other(2, 0), other(2, 1)))
      func power(_ i: Int, _ k: Int) -> Float { i < pairs && k < a.count ? Float(a[k][2 * i + 1]) : 0 }
      func column(_ i: Int) -> Five { (power(i, 1), power(i, 2), power(i, 3), power(i, 4), power(i, 5)) }
      powers = (column(0), column(1), column(2))
    }
  }
}
