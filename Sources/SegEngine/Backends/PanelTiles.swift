/// How a product with a packed matrix is cut into tiles of rows and of whole panels, so that there is work for every thread.
struct PanelTiles: Sendable {
  private let rows: EvenPieces
  private let columns: EvenPieces

  init(rows rowCount: Int, _ matrix: PanelMatrix, threads: Int) {
    rows = .ofRows(rowCount, depth: matrix.k, columns: matrix.n, threads: threads)
    // Few rows (a pooled feature, a class token) are shared out by columns.
    let wanted = threads == 1 ? 1 : (2 * threads + rows.pieces - 1) / rows.pieces
    columns = EvenPieces(
      matrix.n, largest: max(1, matrix.n), atLeast: min(wanted, max(1, matrix.n * matrix.k / 65536)),
      multipleOf: matrix.layout.width)
  }

  /// Number of tiles.
  var count: Int { rows.pieces * columns.pieces }

  /// Number of tiles that one panel is used in.
  var rowPieces: Int { rows.pieces }

  /// Rows of the result and columns of the matrix, from the beginning of a panel on.
  subscript(index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let (row, column) = index.quotientAndRemainder(dividingBy: columns.pieces)
    return (rows[row], columns[column])
  }
}
