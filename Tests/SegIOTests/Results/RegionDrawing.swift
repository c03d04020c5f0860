import SegIO

/// What tests ask of polygons, by definition.
struct RegionDrawing {
  let polygons: RegionPolygons

  /// A line between two corners, in the order of the corners.
  struct Line: Hashable {
    let first, second: PixelCorner

    init(_ one: PixelCorner, _ other: PixelCorner) {
      let isOrdered = (one.row, one.column) < (other.row, other.column)
      (first, second) = isOrdered ? (one, other) : (other, one)
    }
  }

  static func rings(_ region: RegionPolygons.Region) -> [ArraySlice<PixelCorner>] { [region.exterior] + region.holes }

  static func lines(_ ring: ArraySlice<PixelCorner>) -> [(from: PixelCorner, to: PixelCorner)] {
    Array(zip(ring, ring.dropFirst() + ring.prefix(1))).map { ($0, $1) }
  }

  /// Twice the area by the shoelace formula, with its sign.
  static func doubleArea(_ ring: ArraySlice<PixelCorner>) -> Int {
    lines(ring).reduce(0) { $0 + $1.from.column * $1.to.row - $1.to.column * $1.from.row }
  }

  /// Twice the area of a region.
  static func doubleArea(_ region: RegionPolygons.Region) -> Int { rings(region).reduce(0) { $0 + doubleArea($1) } }

  /// The pixels whose centres are inside a region by the even–odd rule.
  func pixels(of region: RegionPolygons.Region) -> Set<Int> {
    var crossings = [Int](repeating: 0, count: polygons.width * polygons.height)
    for ring in Self.rings(region) {
      for (from, to) in Self.lines(ring) {
        // The half-line from a centre to the right crosses the lines that pass the centre's row.
        for row in min(from.row, to.row)..<max(from.row, to.row) {
          let share = (Double(row) + 0.5 - Double(from.row)) / Double(to.row - from.row)
          let x = Double(from.column) + share * Double(to.column - from.column)
          for column in 0..<polygons.width where Double(column) + 0.5 < x {
            crossings[row * polygons.width + column] += 1
          }
        }
      }
    }
    return Set(crossings.indices.filter { crossings[$0] % 2 == 1 })
  }

  /// The lines of all rings.
  var lines: Set<Line> {
    Set(polygons.flatMap { Self.rings($0).flatMap { Self.lines($0).map { Line($0.from, $0.to) } } })
  }

  /// Two lines that have more in common than an end of both.
  var crossing: (Line, Line)? {
    func side(_ line: Line, _ point: PixelCorner) -> Int {
      let (dx, dy) = (line.second.column - line.first.column, line.second.row - line.first.row)
      return (dx * (point.row - line.first.row) - dy * (point.column - line.first.column)).signum()
    }
    func isInside(_ line: Line, _ point: PixelCorner) -> Bool {
      guard side(line, point) == 0, point != line.first, point != line.second else { return false }
      let (columns, rows) = (
        [line.first.column, line.second.column].sorted(), [line.first.row, line.second.row].sorted()
      )
      return (columns[0]...columns[1]).contains(point.column) && (rows[0]...rows[1]).contains(point.row)
    }
    let lines = Array(lines)
    for (index, one) in lines.enumerated() {
      for other in lines[(index + 1)...] {
        let sides = side(one, other.first) * side(one, other.second)
        let otherSides = side(other, one.first) * side(other, one.second)
        if sides < 0 && otherSides < 0 { return (one, other) }
        if isInside(one, other.first) || isInside(one, other.second) { return (one, other) }
        if isInside(other, one.first) || isInside(other, one.second) { return (one, other) }
      }
    }
    return nil
  }
}
