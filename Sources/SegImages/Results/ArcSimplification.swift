/// The simplification of the arcs of a ``BoundaryGraph``, which keeps the graph's topology.
///
/// An arc is simplified by the algorithm of Douglas and Peucker (1973): a part of it is replaced by the line between its
/// ends, the chord, if no corner of the part is farther from the chord than the tolerance, and otherwise divided at the
/// farthest corner. The nodes at its ends stay. A closed arc is divided at its first corner and the farthest from that.
///
/// A part is also divided if the chord would change the topology. Consider the closed line along the part and back along
/// the chord. A chord is allowed if
///
/// 1. no vertex of the other lines, as they are drawn at that time, is on the chord or is surrounded by the closed line
///    (its winding number is 0 at all of them), and
/// 2. no other line joins the same two nodes directly.
///
/// From 1 follows that no other line crosses the chord: it does not cross the part, and it crosses the chord at most
/// once, since both are straight, so its ends would be on different sides of the closed line and one winding number not
/// 0. Nor can two lines overlap: either an end of one is on the other, which 1 excludes, or they are the same, which 2
/// excludes. So lines still meet in nodes only. And since the winding numbers are 0, each vertex stays on its side of
/// each ring: holes stay within their regions, and no ring turns around or collapses.
struct ArcSimplification {
  /// Two nodes that a line joins directly.
  private struct NodePair: Hashable {
    let first, second: Int
  }

  private let tolerance: Double
  private var grid: CornerGrid
  /// The nodes that are joined by a chord in the place of a whole arc.
  private var chords: Set<NodePair> = []
  private var parts: [(first: Int, last: Int)] = []

  /// - Parameters:
  ///   - tolerance: The largest distance of a corner from the line that replaces it, in pixels.
  ///   - grid: The vertices of all arcs.
  init(tolerance: Double, grid: CornerGrid) {
    self.tolerance = tolerance
    self.grid = grid
  }

  /// Appends the simplified corners of an arc. Later arcs are drawn around them.
  mutating func simplify(_ arc: ArraySlice<PixelCorner>, into result: inout [PixelCorner]) {
    let (first, last) = (arc.startIndex, arc.endIndex - 1)
    result.append(arc[first])
    if arc[first] == arc[last] {
      let middle = farthest(arc, first, last).index
      simplify(arc, first, middle, into: &result)
      simplify(arc, middle, last, into: &result)
    } else {
      simplify(arc, first, last, into: &result)
    }
  }

  /// Appends the simplified corners of the part between two corners that stay, without the first.
  private mutating func simplify(
    _ arc: ArraySlice<PixelCorner>, _ first: Int, _ last: Int, into result: inout [PixelCorner]
  ) {
    parts.append((first, last))
    while let part = parts.popLast() {
      if part.last == part.first + 1 {
        result.append(arc[part.last])
        continue
      }
      let (index, squaredDistance) = farthest(arc, part.first, part.last)
      if squaredDistance <= tolerance * tolerance,
        replace(arc, part.first, part.last, isWhole: part == (first, last))
      {
        result.append(arc[part.last])
      } else {
        parts.append((index, part.last))
        parts.append((part.first, index))
      }
    }
  }

  /// The corner of a part that is farthest from the line between the part's ends, and the square of its distance.
  private func farthest(
    _ arc: ArraySlice<PixelCorner>, _ first: Int, _ last: Int
  ) -> (index: Int, squaredDistance: Double) {
    let (start, end) = (arc[first], arc[last])
    let (dx, dy) = (end.column - start.column, end.row - start.row)
    let squaredLength = dx * dx + dy * dy
    var (farthest, largest) = (first + 1, -1.0)
    for index in first + 1..<last {
      let (x, y) = (arc[index].column - start.column, arc[index].row - start.row)
      let along = x * dx + y * dy
      let squaredDistance: Double
      if along <= 0 {
        squaredDistance = Double(x * x + y * y)
      } else if along >= squaredLength {
        squaredDistance = Double((x - dx) * (x - dx) + (y - dy) * (y - dy))
      } else {
        let across = Double(x * dy - y * dx)
        squaredDistance = across * across / Double(squaredLength)
      }
      if squaredDistance > largest { (farthest, largest) = (index, squaredDistance) }
    }
    return (farthest, largest)
  }

  /// Replaces a part by its chord if the topology stays the same, and returns whether it did.
  private mutating func replace(
    _ arc: ArraySlice<PixelCorner>, _ first: Int, _ last: Int, isWhole: Bool
  ) -> Bool {
    let nodes = NodePair(
      first: min(grid.index(of: arc[first]), grid.index(of: arc[last])),
      second: max(grid.index(of: arc[first]), grid.index(of: arc[last])))
    if isWhole, chords.contains(nodes) || isJoinedByStraightArc(arc, first, last) { return false }
    for index in first + 1..<last { grid.setVertex(grid.index(of: arc[index]), false) }
    guard isFree(arc, first, last) else {
      for index in first + 1..<last { grid.setVertex(grid.index(of: arc[index]), true) }
      return false
    }
    if isWhole { chords.insert(nodes) }
    return true
  }

  /// Whether another arc leaves the first corner straight towards the last. It joins both, or its next vertex is on the
  /// chord.
  private func isJoinedByStraightArc(_ arc: ArraySlice<PixelCorner>, _ first: Int, _ last: Int) -> Bool {
    let (start, end) = (arc[first], arc[last])
    guard start.x == end.x || start.y == end.y else { return false }
    let direction = GridDirection(from: start, to: end)
    return grid.hasEdge(grid.index(of: start), direction) && !direction.isDirection(from: start, to: arc[first + 1])
  }

  /// Whether no vertex of other lines is on the chord of a part, or between both.
  private func isFree(_ arc: ArraySlice<PixelCorner>, _ first: Int, _ last: Int) -> Bool {
    let (start, end) = (arc[first], arc[last])
    var (left, right, top, bottom) = (start.column, start.column, start.row, start.row)
    for index in first + 1...last {
      (left, right) = (min(left, arc[index].column), max(right, arc[index].column))
      (top, bottom) = (min(top, arc[index].row), max(bottom, arc[index].row))
    }
    let (dx, dy) = (end.column - start.column, end.row - start.row)
    // What lies between is as near to the chord as the part's corners: in a row of the grid, within this many columns.
    let reach = tolerance * Double(dx * dx + dy * dy).squareRoot() / Double(abs(dy))
    for row in top...bottom {
      var (low, high) = (left, right)
      if dy != 0 {
        let middle = Double(start.column) + Double(dx) * Double(row - start.row) / Double(dy)
        low = max(low, Int(max(middle - reach, Double(left)).rounded(.down)))
        high = min(high, Int(min(middle + reach, Double(right)).rounded(.up)))
      }
      guard low <= high else { continue }
      for column in low...high where grid.isVertex(row * grid.stride + column) {
        let vertex = PixelCorner(column: column, row: row)
        if vertex != start, vertex != end, isSurrounded(vertex, arc, first, last) { return false }
      }
    }
    return true
  }

  /// Whether a vertex that is not on a part is on its chord, or the line along the part and back along the chord winds
  /// around it.
  private func isSurrounded(_ vertex: PixelCorner, _ arc: ArraySlice<PixelCorner>, _ first: Int, _ last: Int) -> Bool {
    /// Twice the area of the triangle of a line and the vertex: its sign is the side on which the vertex is, and 0 means
    /// that it is on the line.
    func side(_ from: PixelCorner, _ to: PixelCorner) -> Int {
      (to.column - from.column) * (vertex.row - from.row) - (vertex.column - from.column) * (to.row - from.row)
    }
    /// Counts a line where it crosses the half-line from the vertex to the right.
    func crossing(_ from: PixelCorner, _ to: PixelCorner) -> Int {
      if from.y <= vertex.y {
        return to.y > vertex.y && side(from, to) > 0 ? 1 : 0
      }
      return to.y <= vertex.y && side(from, to) < 0 ? -1 : 0
    }
    let (start, end) = (arc[first], arc[last])
    if side(start, end) == 0,
      (min(start.x, end.x)...max(start.x, end.x)).contains(vertex.x),
      (min(start.y, end.y)...max(start.y, end.y)).contains(vertex.y)
    {
      return true
    }
    var winding = crossing(end, start)
    for index in first..<last { winding += crossing(arc[index], arc[index + 1]) }
    return winding != 0
  }
}
