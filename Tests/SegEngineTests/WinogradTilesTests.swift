import Testing

@testable import SegEngine

@Suite struct WinogradTilesTests {
  static let filterings: [WinogradFiltering] = [
    .two, .three, .four, .six, .transposedFive, .transposedSeven, .isolatedTwo, .isolatedThree,
  ]

  /// Every output comes from one tile.
  @Test(arguments: filterings) func eachOutputComesOnce(_ filtering: WinogradFiltering) {
    for (height, width, rows, columns) in cases(filtering) {
      let output = Extent2D(height: height, width: width)
      let tiles = tiles(filtering, output, step: Extent2D(height: rows, width: columns))
      let axes = filtering.axes
      var count = [Int](repeating: 0, count: 2 * height * width)
      for (image, tile) in all(tiles) {
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
      let tiles = tiles(filtering, Extent2D(height: height, width: width), step: Extent2D(height: rows, width: columns))
      var products = 0
      for (block, point) in (0..<tiles.blocks.pieces).flatMap({ block in (0..<n * n).map { (tiles[block: block], $0) } }
      ) {
        let taking = block.tiles.indices.map { $0 - block.tiles.lowerBound }.filter { index in
          let tile = tiles[index, of: block].tile
          func takes(_ point: Int, _ axis: Int, _ first: Int, _ pixels: Int, _ step: Int) -> Bool {
            guard filtering.isIsolated else { return filtering.axes[axis].points.contains(point) }
            return filtering.needs(point: point, extent: (pixels - first + step - 1) / step)
          }
          return takes(point / n, tile.rowAxis, tile.row, height, rows)
            && takes(point % n, tile.columnAxis, tile.column, width, columns)
        }
        #expect(
          Array(block.taking(point)) == taking, "\(filtering.name) \(height)×\(width), point \(point)")
        products += taking.count
      }
      #expect(tiles.productCount == products)
    }
  }

  @Test func theLastTilesTakeFewerPoints() {
    func productCount(_ filtering: WinogradFiltering, _ size: Int) -> Int {
      tiles(filtering, Extent2D(height: size, width: size), step: 1, batch: 1).productCount
    }
    // 32 outputs are five sixes and a two, 8 · 5 + 4 points an axis.
    #expect(productCount(.six, 32) == 44 * 44)
    // 16 are two sixes and a four, 8 · 2 + 6 points.
    #expect(productCount(.six, 16) == 22 * 22)
    // Five are left of 11, which take all points, and 10 are two fours and a two.
    #expect(productCount(.six, 11) == 16 * 16)
    #expect(productCount(.four, 10) == 16 * 16)
    // 33 outputs of two taps are four sevens and a five, 8 · 4 + 6 points.
    #expect(productCount(.transposedSeven, 33) == 38 * 38)
  }

  /// The tiles of all blocks.
  private func all(_ tiles: WinogradTiles) -> [(image: Int, tile: WinogradTile)] {
    (0..<tiles.blocks.pieces).flatMap { index in
      let block = tiles[block: index]
      return (0..<block.tiles.count).map { tiles[$0, of: block] }
    }
  }

  /// The tiles in blocks of seven, so that blocks hold tiles of several kinds.
  private func tiles(
    _ filtering: WinogradFiltering, _ output: Extent2D, step: Extent2D, batch: Int = 2
  ) -> WinogradTiles {
    WinogradTiles(filtering, output, step: step, batch: batch) { EvenPieces($0, largest: 7) }
  }

  /// Extents and rates of a result; isolated phases have up to as many pixels as the filtering has outputs.
  private func cases(_ filtering: WinogradFiltering) -> [(Int, Int, Int, Int)] {
    guard filtering.isIsolated else {
      return [(7, 5, 1, 1), (32, 13, 1, 1), (1, 20, 1, 1), (16, 9, 3, 2), (5, 31, 7, 6), (12, 12, 1, 5), (2, 3, 1, 1)]
    }
    return [(7, 5, 4, 3), (64, 40, 36, 25), (3, 8, 5, 8), (6, 6, 3, 6), (1, 4, 1, 2), (5, 7, 3, 4)]
  }
}
