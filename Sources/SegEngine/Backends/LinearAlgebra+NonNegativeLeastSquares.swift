extension LinearAlgebra {
  /// Computes the non-negative x that minimises ‖A · x − b‖, by the active-set method NNLS (Lawson and Hanson 1974, Solving Least Squares
  /// Problems, chapter 23); `nil` if numbers are not finite.
  ///
  /// Columns enter the passive set one at a time, each time the one with the steepest descent of the error. If the least-squares solution
  /// over the set has negative components, x moves towards it until the first component reaches 0, and columns at 0 leave the set. At the
  /// end the Karush–Kuhn–Tucker conditions of optimality hold: the gradient Aᵀ(b − A · x) is 0 where x is not, and nowhere positive. Both
  /// hold to 1e-14 of ‖b‖ for columns of length 1, plus the rounding of least squares. The component of a zero column is 0, as are those of
  /// some linearly dependent columns.
  static func nonNegativeLeastSquares(_ a: [[Double]], _ b: [Double]) -> [Double]? {
    let columns = a.first?.count ?? 0
    precondition(a.allSatisfy { $0.count == columns } && a.count == b.count, "the equations are not of one form")
    guard a.allSatisfy({ $0.allSatisfy(\.isFinite) }), b.allSatisfy(\.isFinite) else { return nil }
    // It is computed relative to the largest number, to avoid overflow and underflow of squares.
    func length(_ numbers: [Double]) -> Double {
      guard let largest = numbers.map(abs).max(), largest > 0 else { return 0 }
      return largest * numbers.reduce(0) { $0 + ($1 / largest) * ($1 / largest) }.squareRoot()
    }
    let lengths = (0..<columns).map { column in length(a.map { $0[column] }) }
    // Columns of length 1 make the system well conditioned and their gradients comparable.
    let scaled = a.map { row in zip(row, lengths).map { $1 > 0 ? $0 / $1 : 0 } }
    let tolerance = 1e-14 * length(b)
    var x = [Double](repeating: 0, count: columns)
    var passive: [Int] = []
    // Each iteration lowers the error. The limit prevents an endless loop by rounding.
    for _ in 0..<10 * max(1, columns) {
      let errors = zip(scaled, b).map { row, target in passive.reduce(target) { $0 - row[$1] * x[$1] } }
      var candidates = (0..<columns).filter { !passive.contains($0) }.map { column in
        (column: column, gradient: zip(scaled, errors).reduce(0) { $0 + $1.0[column] * $1.1 })
      }.filter { $0.gradient > tolerance }
      // A column whose gradient is a rounding error, or that depends on the passive set, gets no positive part: the next best is tried.
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
        // The first component that reaches 0 on the way. The newest column starts at 0 and ends above it.
        let step = zip(passive, solution).reduce(1.0) { step, part in
          part.1 <= 0 ? min(step, x[part.0] / (x[part.0] - part.1)) : step
        }
        for (column, part) in zip(passive, solution) {
          let moved = x[column] + step * (part - x[column])
          // The component that limits the step is 0 except for rounding.
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

  /// Solves the least squares of some columns; `nil` if they are linearly dependent.
  private static func leastSquares(_ a: [[Double]], _ b: [Double], of columns: [Int]) -> [Double]? {
    columns.isEmpty ? [] : leastSquares(a.map { row in columns.map { row[$0] } }, b)
  }
}
