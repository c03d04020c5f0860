extension LinearAlgebra {
  /// x without negative parts for which ‖A · x − b‖ is least, by the active-set method NNLS (Lawson and Hanson 1974, Solving Least Squares
  /// Problems, chapter 23); `nil` where numbers are not finite.
  ///
  /// Columns take part one after another, each time the one along which the error falls fastest; where the least squares of those that
  /// take part would make parts negative, x goes towards it as far as none is, and those that are 0 then leave. At the end the gradient
  /// Aᵀ(b − A · x) is 0 where x is not, and nowhere positive, the Karush–Kuhn–Tucker conditions, by which no x is better; both to 1e-14 of
  /// ‖b‖ for columns of length 1 beside what least squares round. Columns that are 0 have the part 0, and so have some of those that depend on each other.
  static func nonNegativeLeastSquares(_ a: [[Double]], _ b: [Double]) -> [Double]? {
    let columns = a.first?.count ?? 0
    precondition(a.allSatisfy { $0.count == columns } && a.count == b.count, "the equations are not of one form")
    guard a.allSatisfy({ $0.allSatisfy(\.isFinite) }), b.allSatisfy(\.isFinite) else { return nil }
    // In proportion to the largest number, so that no square is too large or too small.
    func length(_ numbers: [Double]) -> Double {
      guard let largest = numbers.map(abs).max(), largest > 0 else { return 0 }
      return largest * numbers.reduce(0) { $0 + ($1 / largest) * ($1 / largest) }.squareRoot()
    }
    let lengths = (0..<columns).map { column in length(a.map { $0[column] }) }
    // Columns of length 1, so that the system is well conditioned and their gradients compare.
    let scaled = a.map { row in zip(row, lengths).map { $1 > 0 ? $0 / $1 : 0 } }
    let tolerance = 1e-14 * length(b)
    var x = [Double](repeating: 0, count: columns)
    var passive: [Int] = []
    // Each turn lowers the error; rounding could let turns without end follow each other.
    for _ in 0..<10 * max(1, columns) {
      let errors = zip(scaled, b).map { row, target in passive.reduce(target) { $0 - row[$1] * x[$1] } }
      var candidates = (0..<columns).filter { !passive.contains($0) }.map { column in
        (column: column, gradient: zip(scaled, errors).reduce(0) { $0 + $1.0[column] * $1.1 })
      }.filter { $0.gradient > tolerance }
      // A column whose gradient is rounding, or that depends on those that take part, gets no positive part: then the next best.
      var solution: [Double]?
      while solution == nil,
        let best = candidates.indices.max(by: { candidates[$0].gradient < candidates[$1].gradient })
      {
        let column = candidates.remove(at: best).column
        guard let found = leastSquares(scaled, b, of: passive + [column]), found[passive.count] > 0 else { continue }
        passive.append(column)
        solution = found
      }
      guard var solution else { break }
      while solution.contains(where: { $0 <= 0 }) {
        // The first of the parts that reach 0 on the way; the column that came last is above 0 there and has come from 0.
        let step = zip(passive, solution).reduce(1.0) { step, part in
          part.1 <= 0 ? min(step, x[part.0] / (x[part.0] - part.1)) : step
        }
        for (column, part) in zip(passive, solution) {
          let moved = x[column] + step * (part - x[column])
          // What stops the way is 0 but for rounding.
          x[column] = part <= 0 && moved <= 1e-15 * x[column] ? 0 : moved
        }
        passive.removeAll { x[$0] <= 0 }
        for column in 0..<columns where !passive.contains(column) { x[column] = 0 }
        guard let found = leastSquares(scaled, b, of: passive) else { return nil }
        solution = found
      }
      for (column, part) in zip(passive, solution) { x[column] = part }
    }
    return zip(x, lengths).map { $1 > 0 ? $0 / $1 : 0 }
  }

  /// The least squares of some columns alone; `nil` where these depend on each other.
  private static func leastSquares(_ a: [[Double]], _ b: [Double], of columns: [Int]) -> [Double]? {
    columns.isEmpty ? [] : leastSquares(a.map { row in columns.map { row[$0] } }, b)
  }
}
