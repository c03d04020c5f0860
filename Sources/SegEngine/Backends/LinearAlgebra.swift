import COpenBLAS

/// Dense systems of equations in Double, through LAPACKE. Matrices are arrays of rows.
enum LinearAlgebra {
  /// X with A · X = B, for a square A that is not singular; `nil` where it is.
  static func solve(_ a: [[Double]], _ b: [[Double]]) -> [[Double]]? {
    let (n, columns) = (a.count, b.first?.count ?? 0)
    precondition(a.allSatisfy { $0.count == n } && b.count == n, "the system is not square")
    var matrix = a.flatMap { $0 }
    var solution = b.flatMap { $0 }
    var pivots = [seg_lapack_int](repeating: 0, count: n)
    let status = LAPACKE_dgesv(
      LAPACK_ROW_MAJOR, seg_lapack_int(n), seg_lapack_int(columns), &matrix, seg_lapack_int(n), &pivots, &solution,
      seg_lapack_int(columns))
    guard status == 0 else { return nil }
    return (0..<n).map { Array(solution[$0 * columns..<($0 + 1) * columns]) }
  }

  /// x for which ‖A · x − b‖ is least, for an A of full rank with no fewer rows than columns; `nil` where it has not.
  static func leastSquares(_ a: [[Double]], _ b: [Double]) -> [Double]? {
    let (rows, columns) = (a.count, a.first?.count ?? 0)
    guard rows >= columns, columns > 0 else { return nil }
    precondition(a.allSatisfy { $0.count == columns } && b.count == rows, "the equations are not of one form")
    var matrix = a.flatMap { $0 }
    var solution = b
    let status = LAPACKE_dgels(
      LAPACK_ROW_MAJOR, 78 /* 'N' */, seg_lapack_int(rows), seg_lapack_int(columns), 1, &matrix,
      seg_lapack_int(columns), &solution, 1)
    guard status == 0 else { return nil }
    return Array(solution.prefix(columns))
  }
}
