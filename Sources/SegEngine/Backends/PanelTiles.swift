/// The tiles of a product with a packed matrix: ranges of rows times ranges of columns that are whole panels.
struct PanelTiles: Sendable {
  private let rows: EvenPieces
  private let columns: EvenPieces
  /// Whether tiles of the same columns follow each other. Then weights stay in cache, else rows do: the larger operand is read once.
  private let isColumnMajor: Bool

  /// Multiply–adds of a tile, about: half a millisecond. Threads run at different speeds and wait for the last tile.
  private static let tileMacs = 48 << 20

  /// Cuts a product of so many rows.
  init(rows rowCount: Int, _ matrix: PanelMatrix, threads: Int) {
    rows = .ofRows(rowCount, depth: matrix.k, columns: matrix.n, threads: threads)
    // Products of few rows (a pooled feature, a class token) are divided among the threads by columns.
    let fine = rows.size * matrix.k * matrix.n / PanelTiles.tileMacs
    let few = min((2 * threads + rows.pieces - 1) / rows.pieces, matrix.n * matrix.k / 65536)
    columns = EvenPieces(
      matrix.n, largest: max(1, matrix.n), atLeast: threads == 1 ? 1 : max(1, fine, few),
      multipleOf: matrix.layout.width)
    isColumnMajor = matrix.n > rowCount
  }

  /// Number of tiles.
  var count: Int { rows.pieces * columns.pieces }

  /// Number of tiles that read a panel.
  var rowPieces: Int { rows.pieces }

  /// Rows of the largest tile.
  var largestRowCount: Int { rows.size }

  /// The rows and columns of a tile. The columns begin at a panel.
  subscript(index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    if isColumnMajor {
      let (column, row) = index.quotientAndRemainder(dividingBy: rows.pieces)
      return (rows[row], columns[column])
    }
    let (row, column) = index.quotientAndRemainder(dividingBy: columns.pieces)
    return (rows[row], columns[column])
  }
}
