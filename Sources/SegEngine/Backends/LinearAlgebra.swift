import COpenBLAS

/// Dense linear systems in Double, solved by LAPACKE. Matrices are arrays of rows.
enum LinearAlgebra {
  /// Solves A · X = B for a square A; `nil` if A is singular.
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

  /// Computes A · B of matrices stored row by row in one array each.
  static func product(_ a: [Double], _ b: [Double], rows: Int, inner: Int, columns: Int) -> [Double] {
    precondition(a.count == rows * inner && b.count == inner * columns, "the factors are of other sizes")
    var result = [Double](repeating: 0, count: rows * columns)
    cblas_dgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(rows), Int32(columns), Int32(inner), 1, a,
      Int32(inner), b, Int32(columns), 0, &result, Int32(columns))
    return result
  }

  /// Computes the x that minimises ‖A · x − b‖, for an A of full rank with at least as many rows as columns; `nil` otherwise.
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

  /// Computes the orthonormal Q of A = Q · R for an A with at least as many rows as columns. Each column's sign makes R's diagonal
  /// non-negative, so that Q is uniformly distributed for a normal A (Mezzadri 2007).
  static func orthogonalColumns(_ a: [[Double]]) -> [[Double]] {
    let (rows, columns) = (a.count, a.first?.count ?? 0)
    precondition(rows >= columns && columns > 0 && a.allSatisfy { $0.count == columns }, "the matrix is wide or empty")
    let (m, n) = (seg_lapack_int(rows), seg_lapack_int(columns))
    var matrix = a.flatMap { $0 }
    var reflectors = [Double](repeating: 0, count: columns)
    let factored = LAPACKE_dgeqrf(LAPACK_ROW_MAJOR, m, n, &matrix, n, &reflectors)
    let signs = (0..<columns).map { matrix[$0 * columns + $0] < 0 ? -1.0 : 1 }
    let formed = LAPACKE_dorgqr(LAPACK_ROW_MAJOR, m, n, n, &matrix, n, &reflectors)
    // Both fail only for invalid arguments.
    precondition(factored == 0 && formed == 0, "LAPACKE refused a \(rows)×\(columns) matrix")
    return (0..<rows).map { row in (0..<columns).map { matrix[row * columns + $0] * signs[$0] } }
  }
}
