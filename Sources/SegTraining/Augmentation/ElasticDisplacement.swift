import SegEngine

/// A smooth random displacement of each pixel of a crop: normal numbers on a grid, interpolated by cubic B-splines.
struct ElasticDisplacement {
  private let spacing: Int
  private let columns: Int
  private let rowShifts, columnShifts: [Double]

  init(_ elastic: Augmentation.Elastic, size: Int, using generator: inout SeededGenerator) {
    // A point before the first pixel and two behind the last belong to its interpolation.
    let columns = (size + elastic.spacing - 1) / elastic.spacing + 3
    func draw() -> [Double] {
      (0..<columns * columns).map { _ in elastic.deviation * Double(generator.normal()) }
    }
    (spacing, self.columns) = (elastic.spacing, columns)
    rowShifts = draw()
    columnShifts = draw()
  }

  /// The displacement of a pixel, in rows and columns.
  func at(_ row: Int, _ column: Int) -> (row: Double, column: Double) {
    let vertical = Self.weights(Double(row % spacing) / Double(spacing))
    let horizontal = Self.weights(Double(column % spacing) / Double(spacing))
    let (top, left) = (row / spacing, column / spacing)
    var result = (row: 0.0, column: 0.0)
    for i in 0..<4 {
      for j in 0..<4 {
        let weight = vertical[i] * horizontal[j]
        let place = (top + i) * columns + left + j
        result.row += weight * rowShifts[place]
        result.column += weight * columnShifts[place]
      }
    }
    return result
  }

  /// The weights of the four points around a place, `t` behind the second.
  private static func weights(_ t: Double) -> SIMD4<Double> {
    let (s, t2, t3) = (1 - t, t * t, t * t * t)
    return SIMD4(s * s * s, 3 * t3 - 6 * t2 + 4, -3 * t3 + 3 * t2 + 3 * t + 1, t3) / 6
  }
}
