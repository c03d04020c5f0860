/// The tiles of a Winograd convolution, in an order in which those that have a product at an evaluation point are neighbours.
///
/// Along an axis there are whole tiles and smaller ones that take fewer of the points (``WinogradAxis``): the last of each phase, where it
/// has few outputs left, or isolated phases with a pixel less. Tiles that are whole along the rows alone come first, then those that are
/// whole along both axes, along the columns alone, and along neither; so every point's tiles are one range.
struct WinogradTiles: Sendable {
  /// Tiles of one size along an axis: all phases of a range have each of a range of tiles.
  private struct Group: Sendable {
    let phases, tiles: Range<Int>
    /// The place of the transforms.
    let axis: Int
    var count: Int { phases.count * tiles.count }
  }

  /// Tiles of one size.
  private struct Class: Sendable {
    let range: Range<Int>
    let rows, columns: Group
  }

  /// Number of all tiles.
  let count: Int
  /// The tiles that have a product at each of the n · n points.
  let ranges: [Range<Int>]
  private let classes: [Class]
  /// Pixels from a tile to the next.
  private let advance: Extent2D

  /// The tiles of a result, whose phases are the pixels i mod `step`, j mod `step`.
  init(_ filtering: WinogradFiltering, _ output: Extent2D, step: Extent2D, batch: Int) {
    advance = Extent2D(filtering.outputs * step.height, filtering.outputs * step.width)
    let rows = WinogradTiles.groups(filtering, output.height, step: step.height)
    let columns = WinogradTiles.groups(filtering, output.width, step: step.width)
    var parts: [(tiles: Class, takesRow: [Bool], takesColumn: [Bool])] = []
    var count = 0
    for (r, c) in [(0, 1), (0, 0), (1, 0), (1, 1)] {
      let first = count
      count += batch * rows[r].group.count * columns[c].group.count
      guard count > first else { continue }
      parts.append(
        (Class(range: first..<count, rows: rows[r].group, columns: columns[c].group), rows[r].needs, columns[c].needs))
    }
    self.count = count
    classes = parts.map(\.tiles)
    let n = filtering.inputs
    ranges = (0..<n * n).map { point in
      let taking = parts.filter { $0.takesRow[point / n] && $0.takesColumn[point % n] }.map(\.tiles.range)
      return (taking.first?.lowerBound ?? 0)..<(taking.last?.upperBound ?? 0)
    }
  }

  /// Whole tiles and smaller ones along an axis, and whether they have a product at each point.
  private static func groups(
    _ filtering: WinogradFiltering, _ pixels: Int, step: Int
  ) -> [(group: Group, needs: [Bool])] {
    let phases = min(step, pixels)
    // The first phases have as many outputs as this, the others perhaps one less.
    let extent = (pixels + step - 1) / step
    if filtering.isIsolated {
      let whole = pixels - (extent - 1) * step
      func needs(_ extent: Int) -> [Bool] { (0..<filtering.inputs).map { filtering.needs(point: $0, extent: extent) } }
      return [
        (Group(phases: 0..<whole, tiles: 0..<1, axis: 0), needs(extent)),
        (Group(phases: whole..<phases, tiles: 0..<1, axis: 0), needs(extent - 1)),
      ]
    }
    let tiles = (extent + filtering.outputs - 1) / filtering.outputs
    let axes = filtering.axes
    let last = axes.lastIndex { $0.outputs >= extent - (tiles - 1) * filtering.outputs } ?? 0
    func group(_ tiles: Range<Int>, _ axis: Int) -> (Group, [Bool]) {
      (
        Group(phases: 0..<phases, tiles: tiles, axis: axis),
        (0..<filtering.inputs).map(axes[axis].points.contains)
      )
    }
    let whole = last == 0 ? tiles : tiles - 1
    return [group(0..<whole, 0), group(whole..<tiles, last)]
  }

  /// The image and the place of a tile.
  subscript(tile: Int) -> (image: Int, tile: WinogradTile) {
    var index = 0
    while classes[index].range.upperBound <= tile { index += 1 }
    let (rows, columns) = (classes[index].rows, classes[index].columns)
    let (rest, tileColumn) = (tile - classes[index].range.lowerBound).quotientAndRemainder(
      dividingBy: columns.tiles.count)
    let (phase, tileRow) = rest.quotientAndRemainder(dividingBy: rows.tiles.count)
    let (others, phaseColumn) = phase.quotientAndRemainder(dividingBy: columns.phases.count)
    let (image, phaseRow) = others.quotientAndRemainder(dividingBy: rows.phases.count)
    let place = WinogradTile(
      row: rows.phases.lowerBound + phaseRow + (rows.tiles.lowerBound + tileRow) * advance.height,
      column: columns.phases.lowerBound + phaseColumn + (columns.tiles.lowerBound + tileColumn) * advance.width,
      rowAxis: rows.axis, columnAxis: columns.axis)
    return (image, place)
  }
}
