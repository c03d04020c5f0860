/// A right-hand matrix, such as a layer's weights, that is packed once or in each run and multiplied often.
struct PanelMatrix: Sendable {
  /// Rows of B.
  let k: Int
  /// Columns of B.
  let n: Int
  let layout: PanelLayout
  /// The row's part of an element's offset in the unpacked weights; the column's part is added.
  private let rowOffsets: ContiguousArray<Int>
  private let columnOffsets: ContiguousArray<Int>
  private let pattern: Pattern
  private let kernels: any Kernels

  /// What is regular about the offsets, for packing by transposition.
  private enum Pattern {
    /// The columns of a row adjoin in memory.
    case rows
    /// Columns are `step` apart. The rows of a column adjoin in another order: number k of a column belongs to row
    /// (k / period) · periodRows + (k mod period) · rows.
    case columns(step: Int, period: Int, rows: Int, periodRows: Int)
    /// Columns are `step` apart. Runs of `count` rows adjoin, `runs` of them `runStep` apart. Run r begins with row r · runRows + firstRow, and
    /// the next number of a run belongs to the row `rows` behind.
    case runs(step: Int, count: Int, runs: Int, runStep: Int, offset: Int, firstRow: Int, rows: Int, runRows: Int)
    /// Anything else.
    case any
  }

  /// The run that is prefetched while one is packed, counted from it; beyond the last one it is a hint about memory that need not exist.
  private static let runsAhead = 4

  /// The most numbers of a panel that are packed at a time.
  private static let packedAtATime = 1 << 15

  /// Makes a matrix whose element (row, column) is `weights[rowOffsets[row] + columnOffsets[column]]`.
  init(rowOffsets: some Sequence<Int>, columnOffsets: some Sequence<Int>, on device: ComputeDevice) {
    self.init(
      rowOffsets: rowOffsets, columnOffsets: columnOffsets, layout: device.kernels.panelLayout, on: device)
  }

  /// Makes a matrix in the given layout.
  init(
    rowOffsets: some Sequence<Int>, columnOffsets: some Sequence<Int>, layout: PanelLayout, on device: ComputeDevice
  ) {
    self.rowOffsets = ContiguousArray(rowOffsets)
    self.columnOffsets = ContiguousArray(columnOffsets)
    k = self.rowOffsets.count
    n = self.columnOffsets.count
    self.layout = layout
    kernels = device.kernels
    pattern = PanelMatrix.pattern(self.rowOffsets, self.columnOffsets)
  }

  /// Finds what is regular about offsets.
  private static func pattern(_ rows: ContiguousArray<Int>, _ columns: ContiguousArray<Int>) -> Pattern {
    guard let first = rows.first, columns.count > 1 else { return .any }
    let step = columns[1] - columns[0]
    guard columns.indices.allSatisfy({ columns[$0] - columns[0] == $0 * step }) else { return .any }
    if step == 1 { return .rows }
    guard rows.count > 1 else { return .any }
    // Rows are two nested loops.
    let inner = rows[1] - first
    let period = rows.indices.first { rows[$0] - first != $0 * inner } ?? rows.count
    let runs = rows.count / period
    let outer = period < rows.count ? rows[period] - first : 0
    guard runs * period == rows.count,
      rows.indices.allSatisfy({ rows[$0] - first == $0 / period * outer + $0 % period * inner })
    else { return .any }
    if inner == 1, runs == 1 || outer == period {
      return first == 0 ? .columns(step: step, period: rows.count, rows: 1, periodRows: 0) : .any
    }
    if outer == 1, inner == runs, first == 0 {
      return .columns(step: step, period: runs, rows: period, periodRows: 1)
    }
    if abs(inner) == 1 {
      return .runs(
        step: step, count: period, runs: runs, runStep: outer, offset: inner > 0 ? first : first - (period - 1),
        firstRow: inner > 0 ? 0 : period - 1, rows: inner, runRows: period)
    }
    if abs(outer) == 1 {
      return .runs(
        step: step, count: runs, runs: period, runStep: inner, offset: outer > 0 ? first : first - (runs - 1),
        firstRow: outer > 0 ? 0 : (runs - 1) * period, rows: outer * period, runRows: 1)
    }
    return .any
  }

  /// Floats of the packed form.
  var count: Int { layout.count(k: k, n: n) }

  /// Packs weights. The offsets count from `weights`.
  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool) {
    let panels = (n + layout.width - 1) / layout.width
    let units: Int
    let rowsOfUnit: Int
    switch pattern {
    case .rows, .columns, .any: (units, rowsOfUnit) = (k, 1)
    case .runs(_, let count, let runs, _, _, _, _, _): (units, rowsOfUnit) = (runs, count)
    }
    let pieces = EvenPieces(
      units, largest: max(1, PanelMatrix.packedAtATime / (layout.width * rowsOfUnit)))
    workers.forEach(panels * pieces.pieces) { index, _ in
      let (panel, piece) = index.quotientAndRemainder(dividingBy: pieces.pieces)
      let column = panel * layout.width
      packUnits(
        pieces[piece], ofPanelAt: column, weights, into: packed + layout.offset(ofPanelAt: column, k: k))
    }
  }

  /// Packs some rows of the panel that begins at a column, to `target`: rows of whole groups of `group` rows, such as the taps of an input
  /// channel, by which the rows are ordered.
  func pack(
    rows: Range<Int>, groupedBy group: Int, ofPanelAt column: Int, _ weights: UnsafePointer<Float>,
    into target: UnsafeMutablePointer<Float>
  ) {
    let stored = layout.storedColumns(at: column, of: n)
    let panel = target - rows.lowerBound * stored
    switch pattern {
    case .rows, .any: packUnits(rows, ofPanelAt: column, weights, into: panel)
    case .columns(_, let period, _, _) where period == k: packUnits(rows, ofPanelAt: column, weights, into: panel)
    case .runs(_, let count, _, _, _, _, _, let runRows) where runRows == count && group % count == 0:
      packUnits(rows.lowerBound / count..<rows.upperBound / count, ofPanelAt: column, weights, into: panel)
    default: gather(rows, ofPanelAt: column, weights, into: panel)
    }
  }

  /// Packs some rows, numbers of each column, or runs of rows, by the pattern.
  private func packUnits(
    _ units: Range<Int>, ofPanelAt column: Int, _ weights: UnsafePointer<Float>,
    into panel: UnsafeMutablePointer<Float>
  ) {
    let stored = layout.storedColumns(at: column, of: n)
    let present = min(stored, n - column)
    let source = weights + columnOffsets[column]
    func clear(_ row: Int) {
      if present < stored { (panel + row * stored + present).update(repeating: 0, count: stored - present) }
    }
    switch pattern {
    case .rows:
      for row in units {
        kernels.copyRows(
          source + rowOffsets[row], xStride: 0, panel + row * stored, yStride: stored, rows: 1, columns: present)
      }
    case .columns(let step, let period, let rows, let periodRows):
      for unit in units { clear(unit / period * periodRows + unit % period * rows) }
      kernels.packColumns(
        source, xStride: step, columns: present, range: units, period: period, panel, step: rows * stored,
        periodStep: periodRows * stored)
    case .runs(let step, let count, _, let runStep, let offset, let firstRow, let rows, let runRows):
      for run in units {
        // Runs are far apart, so that the processor does not foresee the next one.
        kernels.prefetch(source + (run + PanelMatrix.runsAhead) * runStep + offset, count: (present - 1) * step + count)
        let row = run * runRows + firstRow
        for index in 0..<count { clear(row + index * rows) }
        kernels.packColumns(
          source + run * runStep + offset, xStride: step, columns: present, range: 0..<count, period: count,
          panel + row * stored, step: rows * stored, periodStep: 0)
      }
    case .any: gather(units, ofPanelAt: column, weights, into: panel)
    }
  }

  /// Packs some rows number by number.
  private func gather(
    _ rows: Range<Int>, ofPanelAt column: Int, _ weights: UnsafePointer<Float>, into panel: UnsafeMutablePointer<Float>
  ) {
    let stored = layout.storedColumns(at: column, of: n)
    let present = min(stored, n - column)
    columnOffsets.withUnsafeBufferPointer { columnOffsets in
      rowOffsets.withUnsafeBufferPointer { rowOffsets in
        for row in rows {
          let source = weights + rowOffsets[row]
          let line = panel + row * stored
          for index in 0..<present { line[index] = source[columnOffsets[column + index]] }
          for index in present..<stored { line[index] = 0 }
        }
      }
    }
  }
}
