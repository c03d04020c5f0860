/// The tiles of matrix products: small enough for a core's cache, and numerous enough for all workers.
struct ProductTiles: Sendable {
  private let rows, columns, products: Int
  private let tileRows, tileColumns: Int

  /// Cuts products into tiles of 256 rows. If there are too few tiles, they get fewer rows, and then fewer columns.
  init(rows: Int, columns: Int, products: Int, workers: WorkerPool) {
    self.rows = rows
    self.columns = columns
    self.products = products
    let wanted = workers.threadCount == 1 ? 1 : workers.threadCount * 2
    var tileRows = 256
    while tileRows > 32, products * ((rows + tileRows - 1) / tileRows) < wanted { tileRows /= 2 }
    let rowTiles = products * ((rows + tileRows - 1) / tileRows)
    let wantedColumns = rowTiles >= wanted || rowTiles == 0 ? 1 : (wanted + rowTiles - 1) / rowTiles
    self.tileRows = tileRows
    // The pieces have equal sizes, so that the backend computes all columns alike and equal columns stay equal.
    let pieces = max(1, min(wantedColumns, columns / 128))
    tileColumns = max(1, (columns + pieces - 1) / pieces)
  }

  /// Calls `body` with each tile of each product, split over the workers.
  func run(
    over workers: WorkerPool, _ body: (_ product: Int, _ rows: Range<Int>, _ columns: Range<Int>, _ worker: Int) -> Void
  ) {
    let down = (rows + tileRows - 1) / tileRows
    let across = (columns + tileColumns - 1) / tileColumns
    workers.forEachRange(products * down * across, grain: 1) { range, worker in
      for index in range {
        let (rest, column) = index.quotientAndRemainder(dividingBy: across)
        let (product, row) = rest.quotientAndRemainder(dividingBy: down)
        body(
          product, row * tileRows..<min(rows, (row + 1) * tileRows),
          column * tileColumns..<min(columns, (column + 1) * tileColumns), worker)
      }
    }
  }
}
