import SegIO
import TestSupport
import Testing

@Suite struct RegionPolygonsTests {
  /// Corners from (column, row) pairs.
  private func corners(_ pairs: (Int, Int)...) -> [PixelCorner] {
    pairs.map { PixelCorner(column: $0.0, row: $0.1) }
  }

  /// A ring from its first corner in row-major order, without corners on straight lines.
  private func normalised(_ ring: ArraySlice<PixelCorner>) -> [PixelCorner] {
    let all = Array(ring)
    let bends = all.indices.filter { index in
      let (before, here) = (all[(index + all.count - 1) % all.count], all[index])
      let after = all[(index + 1) % all.count]
      return (here.column - before.column) * (after.row - here.row)
        != (here.row - before.row) * (after.column - here.column)
    }.map { all[$0] }
    let first = bends.indices.min { (bends[$0].row, bends[$0].column) < (bends[$1].row, bends[$1].column) } ?? 0
    return Array(bends[first...] + bends[..<first])
  }

  @Test func onePixelInside() {
    let polygons = RegionPolygons(
      LabelMap(
        "...",
        ".1.",
        "..."))
    #expect(polygons.map(\.label) == [0, 1] && polygons.map(\.pixelCount) == [8, 1])
    #expect(normalised(polygons[0].exterior) == corners((0, 0), (3, 0), (3, 3), (0, 3)))
    #expect(polygons[0].holes.map(normalised) == [corners((1, 1), (1, 2), (2, 2), (2, 1))])
    #expect(Array(polygons[1].exterior) == corners((1, 1), (2, 1), (2, 2), (1, 2)))
    #expect(polygons[1].holes.isEmpty)
  }

  /// Two hole pixels that touch at a corner are two holes, since one ring around both would touch itself.
  @Test func holesThatTouchAreSeparate() {
    let polygons = RegionPolygons(
      LabelMap(
        "1111",
        "1.11",
        "11.1",
        "1111"), leavingOut: [0])
    #expect(polygons.count == 1)
    #expect(
      Set(polygons[0].holes.map(normalised)) == [
        corners((1, 1), (1, 2), (2, 2), (2, 1)), corners((2, 2), (2, 3), (3, 3), (3, 2)),
      ])
  }

  /// The region closes around a pixel of the other class by touching itself at a corner. Its outer ring passes the corner
  /// once, and the pixel is a hole.
  @Test func regionThatTouchesItself() {
    let polygons = RegionPolygons(
      LabelMap(
        "111",
        "1.1",
        "11."), leavingOut: [0])
    #expect(polygons.count == 1)
    #expect(normalised(polygons[0].exterior) == corners((0, 0), (3, 0), (3, 2), (2, 2), (2, 3), (0, 3)))
    #expect(polygons[0].holes.map(normalised) == [corners((1, 1), (1, 2), (2, 2), (2, 1))])
  }

  /// Pixels of one label that touch at a corner only are regions of their own.
  @Test func regionsThatTouchAtACorner() {
    let polygons = RegionPolygons(
      LabelMap(
        "1.",
        ".1"))
    #expect(polygons.map(\.label) == [1, 0, 0, 1])
    #expect(normalised(polygons[3].exterior) == corners((1, 1), (2, 1), (2, 2), (1, 2)))
  }

  @Test func mapsOfOneLabelAndWithoutPixels() {
    let polygons = RegionPolygons(LabelMap(width: 5, height: 2, repeating: 9), tolerance: 100)
    #expect(polygons.count == 1 && polygons[0].pixelCount == 10)
    #expect(normalised(polygons[0].exterior) == corners((0, 0), (5, 0), (5, 2), (0, 2)))
    for (width, height) in [(0, 0), (0, 3), (3, 0)] {
      #expect(RegionPolygons(LabelMap(width: width, height: height), tolerance: 1).isEmpty)
    }
  }

  @Test(arguments: 0..<50) func polygonsCoverTheirPixels(seed: UInt64) {
    let map = LabelMap.random(width: 23, height: 17, classes: 2 + UInt16(seed % 4), seed: seed)
    let components = naiveComponents(map, .four)
    let polygons = RegionPolygons(map)
    let drawing = RegionDrawing(polygons: polygons)
    #expect(polygons.count == components.max()! + 1)
    for (index, region) in polygons.enumerated() {
      let pixels = Set(components.indices.filter { components[$0] == index })
      #expect(drawing.pixels(of: region) == pixels)
      #expect(region.label == map.labels[components.firstIndex(of: index)!] && region.pixelCount == pixels.count)
      #expect(RegionDrawing.doubleArea(region) == 2 * pixels.count)
      #expect(RegionDrawing.doubleArea(region.exterior) > 0)
      #expect(region.holes.allSatisfy { RegionDrawing.doubleArea($0) < 0 })
      // No ring passes a corner twice.
      #expect(RegionDrawing.rings(region).allSatisfy { Set($0).count == $0.count })
    }
    let problem = drawing.crossing
    #expect(problem == nil)
    // Leaving regions out changes nothing about the others.
    let some = RegionPolygons(map, leavingOut: [0])
    #expect(Array(some) == polygons.filter { $0.label != 0 })
  }

  // Simplification.

  /// A staircase becomes a straight line, which the regions on both sides share.
  @Test func staircase() {
    let polygons = RegionPolygons(
      LabelMap(
        "1.....",
        "11....",
        "111...",
        "1111..",
        "11111.",
        "111111"), tolerance: 1)
    #expect(polygons.map(\.label) == [1, 0])
    // The boundary begins at the upper edge and ends at the right one.
    #expect(normalised(polygons[0].exterior) == corners((0, 0), (1, 0), (6, 5), (6, 6), (0, 6)))
    #expect(normalised(polygons[1].exterior) == corners((1, 0), (6, 0), (6, 5)))
  }

  /// A pixel of class 2 lies between a boundary and the line that would replace it: it would change sides.
  @Test func simplifiedLinesDoNotPassOverARegion() {
    let map = LabelMap(
      "..........",
      "1........1",
      "11.....111",
      "1111.11111",
      "1111111111",
      "1111111111")
    var withPixel = map
    withPixel[3, 4] = 2
    let wide = RegionPolygons(map, tolerance: 3)
    let narrow = RegionPolygons(withPixel, tolerance: 3)
    #expect(wide[0].exterior.count < narrow[0].exterior.count)
    let drawing = RegionDrawing(polygons: narrow)
    let problem = drawing.crossing
    #expect(problem == nil)
    #expect(narrow.map(\.label) == [0, 1, 2])
  }

  /// Two boundaries between the same two places, each of which would become the line between them.
  @Test func boundariesBetweenTheSamePlaces() {
    let map = LabelMap(
      "111222",
      "113322",
      "133332",
      "113322",
      "111222")
    let polygons = RegionPolygons(map, tolerance: 50)
    #expect(polygons.map(\.label) == [1, 2, 3])
    #expect(polygons.allSatisfy { $0.exterior.count >= 3 && RegionDrawing.doubleArea($0.exterior) > 0 })
    #expect(polygons.reduce(0) { $0 + RegionDrawing.doubleArea($1) } == 2 * 30)
    let problem = RegionDrawing(polygons: polygons).crossing
    #expect(problem == nil)
  }

  @Test(arguments: 0..<50) func simplificationKeepsTheTopology(seed: UInt64) {
    let map = LabelMap.random(width: 19, height: 17, classes: 2 + UInt16(seed % 4), seed: seed)
    let exact = RegionPolygons(map)
    for tolerance in [0.5, 0.75, 1.5, 4, 30] {
      let polygons = RegionPolygons(map, tolerance: tolerance)
      let problem = RegionDrawing(polygons: polygons).crossing
      #expect(problem == nil)
      #expect(polygons.map(\.label) == exact.map(\.label) && polygons.map(\.pixelCount) == exact.map(\.pixelCount))
      // Without gaps or overlaps the areas add up to the map's.
      #expect(polygons.reduce(0) { $0 + RegionDrawing.doubleArea($1) } == 2 * 19 * 17)
      for (region, original) in zip(polygons, exact) {
        #expect(region.holes.count == original.holes.count)
        #expect(RegionDrawing.doubleArea(region.exterior) > 0)
        #expect(region.holes.allSatisfy { RegionDrawing.doubleArea($0) < 0 })
        #expect(RegionDrawing.doubleArea(region) > 0)
        for (ring, originalRing) in zip(RegionDrawing.rings(region), RegionDrawing.rings(original)) {
          #expect(ring.count >= 3 && Set(ring).count == ring.count && Set(ring).isSubset(of: Set(originalRing)))
          #expect(originalRing.allSatisfy { distance($0, to: ring) <= tolerance + 1e-9 })
        }
      }
    }
  }

  /// The distance of a corner from the lines of a ring.
  private func distance(_ corner: PixelCorner, to ring: ArraySlice<PixelCorner>) -> Double {
    let distances = RegionDrawing.lines(ring).map { from, to in
      let (dx, dy) = (Double(to.column - from.column), Double(to.row - from.row))
      let (x, y) = (Double(corner.column - from.column), Double(corner.row - from.row))
      let along = min(max((x * dx + y * dy) / (dx * dx + dy * dy), 0), 1)
      return ((x - along * dx) * (x - along * dx) + (y - along * dy) * (y - along * dy)).squareRoot()
    }
    return distances.min() ?? .infinity
  }
}
