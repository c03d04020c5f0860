import Testing

@testable import SegEngine

@Suite struct WinogradTilesTests {
  static let filterings: [WinogradFiltering] = [
    .two, .three, .four, .six, .transposedFive, .transposedSeven, .isolatedTwo, .isolatedThree,
  ]

  /// Every output comes from one tile.
  @Test(arguments: filterings) func eachOutputComesOnce(_ filtering: WinogradFiltering) {
    for (height, width, rows, columns) in cases(filtering) {
      let output = Extent2D(height, width)
      let tiles = WinogradTiles(filtering, output, step: Extent2D(rows, columns), batch: 2)
      let axes = filtering.axes
      var count = [Int](repeating: 0, count: 2 * height * width)
      for index in 0..<tiles.count {
        let (image, tile) = tiles[index]
        let (rowAxis, columnAxis) = (axes[tile.rowAxis], axes[tile.columnAxis])
        for i in 0..<rowAxis.outputs {
          for j in 0..<columnAxis.outputs {
            let (row, column) = (tile.row + i * rows, tile.column + j * columns)
            if row < height, column < width { count[(image * height + row) * width + column] += 1 }
          }
        }
      }
      #expect(count.allSatisfy { $0 == 1 }, "\(filtering.name) \(output) by \(rows) and \(columns)")
    }
  }

  /// A point's tiles, which are said to be one range, are those whose transforms have it along both axes.
  @Test(arguments: filterings) func rangesHoldTheTilesOfAPoint(_ filtering: WinogradFiltering) {
    let n = filtering.inputs
    for (height, width, rows, columns) in cases(filtering) {
      let tiles = WinogradTiles(filtering, Extent2D(height, width), step: Extent2D(rows, columns), batch: 2)
      for point in 0..<n * n {
        let taking = (0..<tiles.count).filter { index in
          let tile = tiles[index].tile
          func takes(_ point: Int, _ axis: Int, _ first: Int, _ pixels: Int, _ step: Int) -> Bool {
            guard filtering.isIsolated else { return filtering.axes[axis].points.contains(point) }
            return filtering.needs(point: point, extent: (pixels - first + step - 1) / step)
          }
          return takes(point / n, tile.rowAxis, tile.row, height, rows)
            && takes(point % n, tile.columnAxis, tile.column, width, columns)
        }
        #expect(Array(tiles.ranges[point]) == taking, "\(filtering.name) \(height)×\(width), point \(point)")
      }
    }
  }

  @Test func theLastTilesTakeFewerPoints() {
    // 32 outputs are five sixes and a two, 8 · 5 + 4 points an axis.
    let tiles = WinogradTiles(.six, 32, step: 1, batch: 1)
    #expect(tiles.count == 36 && tiles.ranges.reduce(0) { $0 + $1.count } == 44 * 44)
    // 16 are two sixes and a four, 8 · 2 + 6 points.
    #expect(WinogradTiles(.six, 16, step: 1, batch: 1).ranges.reduce(0) { $0 + $1.count } == 22 * 22)
    // Five are left of 11, which take all points, and 10 are two fours and a two.
    #expect(WinogradTiles(.six, 11, step: 1, batch: 1).ranges.allSatisfy { $0 == 0..<4 })
    #expect(WinogradTiles(.four, 10, step: 1, batch: 1).ranges.reduce(0) { $0 + $1.count } == 16 * 16)
    // 33 outputs of two taps are four sevens and a five, 8 · 4 + 6 points.
    #expect(WinogradTiles(.transposedSeven, 33, step: 1, batch: 1).ranges.reduce(0) { $0 + $1.count } == 38 * 38)
  }

  /// Extents and rates of a result; isolated phases have up to as many pixels as the filtering has outputs.
  private func cases(_ filtering: WinogradFiltering) -> [(Int, Int, Int, Int)] {
    guard filtering.isIsolated else {
      return [(7, 5, 1, 1), (32, 13, 1, 1), (1, 20, 1, 1), (16, 9, 3, 2), (5, 31, 7, 6), (12, 12, 1, 5), (2, 3, 1, 1)]
    }
    return [(7, 5, 4, 3), (64, 40, 36, 25), (3, 8, 5, 8), (6, 6, 3, 6), (1, 4, 1, 2), (5, 7, 3, 4)]
  }
}
