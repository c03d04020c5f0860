/// The tiles of a Winograd convolution by rows, cut into blocks. In a block, the tiles that have a product at an evaluation point are
/// contiguous.
///
/// An axis has whole tiles, followed by smaller ones that take fewer of the points (``WinogradAxis``): the last of each phase, if it has
/// few outputs left, or isolated phases with one pixel less. A block begins with tiles that are whole along the rows only, then along both
/// axes, then along the columns only, then along neither. So the tiles of every point are one range.
///
/// Nothing is stored per tile, because large maps have many millions.
struct WinogradTiles: Sendable {
  /// The tiles along an axis of a grid, the first of them whole.
  private struct Axis: Sendable {
    /// The number of whole tiles, and of all tiles.
    let whole, all: Int
    /// Pixels from the first output of a tile to that of the next.
    let advance: Int
    /// The index of the smaller tiles' transforms.
    let smallAxis: Int
    /// The number of grids along the axis, a pixel apart: the phases, unless each phase is one tile.
    let phases: Int
    /// Whether whole and smaller tiles have a product at each point.
    let needs: [[Bool]]

    var small: Int { all - whole }
  }

  /// A kind of tiles: whole along the rows only, along both axes, along the columns only, or along neither.
  private struct Kind {
    let isSmallRow, isSmallColumn: Bool
    static let all = [
      Kind(isSmallRow: false, isSmallColumn: true), Kind(isSmallRow: false, isSmallColumn: false),
      Kind(isSmallRow: true, isSmallColumn: false), Kind(isSmallRow: true, isSmallColumn: true),
    ]
  }

  /// Tiles that are computed together.
  struct Block {
    /// The indices of the tiles.
    let tiles: Range<Int>
    /// For each kind, the number of tiles in the blocks before, and the end of its range in the block.
    fileprivate let before, ends: SIMD4<Int>
    fileprivate let takes: [[Bool]]

    /// Returns the tiles that have a product at a point, by their indices in the block.
    func taking(_ point: Int) -> Range<Int> {
      var range: Range<Int>?
      var start = 0
      for kind in Kind.all.indices {
        if start < ends[kind], takes[kind][point] { range = (range?.lowerBound ?? start)..<ends[kind] }
        start = ends[kind]
      }
      return range ?? 0..<0
    }
  }

  /// The ranges of tiles of the blocks.
  let blocks: EvenPieces
  /// The number of products of one row and a point's weights over all tiles.
  let productCount: Int
  private let rows, columns: Axis
  /// Whether tiles of each kind have a product at each point.
  private let takes: [[Bool]]

  /// Makes the tiles of a result, whose phases are the pixels i mod `step`, j mod `step`; `cut` divides a number of tiles into blocks.
  init(
    _ filtering: WinogradFiltering, _ output: Extent2D, step: Extent2D, batch: Int, cut: (_ count: Int) -> EvenPieces
  ) {
    let rows = WinogradTiles.axis(filtering, output.height, step: step.height)
    let columns = WinogradTiles.axis(filtering, output.width, step: step.width)
    let n = filtering.inputs
    let grids = batch * rows.phases * columns.phases
    takes = Kind.all.map { kind in
      let (row, column) = (rows.needs[kind.isSmallRow ? 1 : 0], columns.needs[kind.isSmallColumn ? 1 : 0])
      return (0..<n * n).map { row[$0 / n] && column[$0 % n] }
    }
    productCount = zip(Kind.all, takes).reduce(0) { sum, kind in
      sum + grids * WinogradTiles.count(kind.0, rows, columns) * kind.1.count { $0 }
    }
    (self.rows, self.columns) = (rows, columns)
    blocks = cut(grids * rows.all * columns.all)
  }

  private static func axis(_ filtering: WinogradFiltering, _ pixels: Int, step: Int) -> Axis {
    let phases = min(step, pixels)
    // The outputs of the first phases; the others may have one less.
    let extent = (pixels + step - 1) / step
    if filtering.isIsolated {
      return Axis(
        whole: pixels - (extent - 1) * step, all: phases, advance: 1, smallAxis: 0, phases: 1,
        needs: [extent, extent - 1].map { extent in
          (0..<filtering.inputs).map { filtering.needs(point: $0, extent: extent) }
        })
    }
    let tiles = (extent + filtering.outputs - 1) / filtering.outputs
    let axes = filtering.axes
    let last = axes.lastIndex { $0.outputs >= extent - (tiles - 1) * filtering.outputs } ?? 0
    return Axis(
      whole: last == 0 ? tiles : tiles - 1, all: tiles, advance: filtering.outputs * step, smallAxis: last,
      phases: phases, needs: [0, last].map { axis in (0..<filtering.inputs).map(axes[axis].points.contains) })
  }

  /// Counts the tiles of a kind in a grid.
  private static func count(_ kind: Kind, _ rows: Axis, _ columns: Axis) -> Int {
    (kind.isSmallRow ? rows.small : rows.whole) * (kind.isSmallColumn ? columns.small : columns.whole)
  }

  /// Counts the tiles of a kind among the first `end`.
  private func count(_ kind: Kind, before end: Int) -> Int {
    let (grid, place) = end.quotientAndRemainder(dividingBy: rows.all * columns.all)
    let (row, column) = place.quotientAndRemainder(dividingBy: columns.all)
    let perRow = kind.isSmallColumn ? columns.small : columns.whole
    let rowsBefore = kind.isSmallRow ? max(0, row - rows.whole) : min(row, rows.whole)
    let isRowOfKind = kind.isSmallRow == (row >= rows.whole)
    let inRow = kind.isSmallColumn ? max(0, column - columns.whole) : min(column, columns.whole)
    return grid * WinogradTiles.count(kind, rows, columns) + rowsBefore * perRow + (isRowOfKind ? inRow : 0)
  }

  /// The block at an index.
  subscript(block block: Int) -> Block {
    let tiles = blocks[block]
    var (before, ends) = (SIMD4<Int>(), SIMD4<Int>())
    var end = 0
    for (index, kind) in Kind.all.enumerated() {
      before[index] = count(kind, before: tiles.lowerBound)
      end += count(kind, before: tiles.upperBound) - before[index]
      ends[index] = end
    }
    return Block(tiles: tiles, before: before, ends: ends, takes: takes)
  }

  /// The image and the position of the tile at an index of a block.
  subscript(index: Int, of block: Block) -> (image: Int, tile: WinogradTile) {
    var which = 0
    while block.ends[which] <= index { which += 1 }
    let kind = Kind.all[which]
    let rank = block.before[which] + index - (which > 0 ? block.ends[which - 1] : 0)
    let (grid, place) = rank.quotientAndRemainder(dividingBy: WinogradTiles.count(kind, rows, columns))
    let perRow = kind.isSmallColumn ? columns.small : columns.whole
    var (row, column) = place.quotientAndRemainder(dividingBy: perRow)
    if kind.isSmallRow { row += rows.whole }
    if kind.isSmallColumn { column += columns.whole }
    let (rest, phaseColumn) = grid.quotientAndRemainder(dividingBy: columns.phases)
    let (image, phaseRow) = rest.quotientAndRemainder(dividingBy: rows.phases)
    return (
      image,
      WinogradTile(
        row: phaseRow + row * rows.advance, column: phaseColumn + column * columns.advance,
        rowAxis: kind.isSmallRow ? rows.smallAxis : 0, columnAxis: kind.isSmallColumn ? columns.smallAxis : 0)
    )
  }
}
