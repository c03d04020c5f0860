/// The tiles of a product with a packed matrix: ranges of rows times ranges of columns that are whole panels.
struct PanelTiles: Sendable {
  private let rows: EvenPieces
  private let columns: EvenPieces
  /// Whether tiles of the same columns follow each other, so that weights stay in cache; otherwise rows do. The larger operand is read
  /// once.
  private let isColumnMajor: Bool

  /// The approximate multiply–adds of a tile: half a millisecond. Threads run at different speeds and wait for the last tile.
  private static let tileMacs = 48 << 20

  /// Cuts a product with the given number of rows.
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

  /// The number of tiles.
  var count: Int { rows.pieces * columns.pieces }

  /// The number of tiles that read each panel.
  var rowPieces: Int { rows.pieces }

  /// The number of rows of the largest tile.
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
