/// How a product with a packed matrix is cut into tiles of rows and of whole panels, so that there is work for every thread.
struct PanelTiles: Sendable {
  private let rows: EvenPieces
  private let columns: EvenPieces
  /// Whether a tile is followed by one of the same columns: a thread comes back to what there is more of, weights or rows.
  private let isColumnMajor: Bool

  /// Multiply–adds of a tile, about: half a millisecond. Threads do not run equally fast, and wait for the slowest tile at the end.
  private static let tileMacs = 48 << 20

  init(rows rowCount: Int, _ matrix: PanelMatrix, threads: Int) {
    rows = .ofRows(rowCount, depth: matrix.k, columns: matrix.n, threads: threads)
    // Few rows (a pooled feature, a class token) are shared out by columns as well.
    let fine = rows.size * matrix.k * matrix.n / PanelTiles.tileMacs
    let few = min((2 * threads + rows.pieces - 1) / rows.pieces, matrix.n * matrix.k / 65536)
    columns = EvenPieces(
      matrix.n, largest: max(1, matrix.n), atLeast: threads == 1 ? 1 : max(1, fine, few),
      multipleOf: matrix.layout.width)
    isColumnMajor = matrix.n > rowCount
  }

  /// Number of tiles.
  var count: Int { rows.pieces * columns.pieces }

  /// Number of tiles that one panel is used in.
  var rowPieces: Int { rows.pieces }

  /// The most rows of a tile.
  var largestRowCount: Int { rows.size }

  /// Rows of the result and columns of the matrix, from the beginning of a panel on.
  subscript(index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    if isColumnMajor {
      let (column, row) = index.quotientAndRemainder(dividingBy: rows.pieces)
      return (rows[row], columns[column])
    }
    let (row, column) = index.quotientAndRemainder(dividingBy: columns.pieces)
    return (rows[row], columns[column])
  }
}
