import SegEngine

/// The boundaries between the connected components of a label map, as a planar graph.
///
/// Its nodes are the corners of pixels where three or four boundary edges meet, and the corners of the map. Its arcs
/// are the lines between nodes, and closed lines that pass no node. An arc is stored once for the two components that it
/// separates (as in TopoJSON), so that they share it after simplification, too.
///
/// A component is bounded by rings of arcs, taken so that the component is on the right, with y down. Where it touches
/// itself at a corner, a ring joins the two pixels of the component, so that the ring does not touch itself: pixels of
/// a hole that touch at a corner are separate holes, and so is what the component encloses together with a corner at
/// which it touches itself. Since the component is 4-connected, no ring passes a corner twice.
struct BoundaryGraph {
  /// An arc taken in one of its two directions.
  struct HalfArc {
    /// Twice the arc, plus 1 if it is taken backward.
    let rawValue: Int32

    init(_ arc: Int, isBackward: Bool) { rawValue = Int32(truncatingIfNeeded: 2 * arc + (isBackward ? 1 : 0)) }

    var arc: Int { Int(rawValue >> 1) }
    var isBackward: Bool { rawValue & 1 != 0 }
  }

  /// A ring of half arcs.
  struct Ring {
    /// The component on its right.
    let component: Int32
    /// Whether it is the outer boundary of the component, not that of a hole.
    let isExterior: Bool
    /// Its part of ``BoundaryGraph/ringArcs``.
    let arcs: Range<Int>
  }

  private(set) var grid: CornerGrid
  /// The corners of arc n are `corners[arcStarts[n]..<arcStarts[n + 1]]`, with both ends.
  private(set) var corners: [PixelCorner] = []
  private(set) var arcStarts: [Int] = [0]
  private(set) var ringArcs: [HalfArc] = []
  private(set) var rings: [Ring] = []

  /// Finds the boundaries.
  ///
  /// - Precondition: The map has pixels.
  init(_ components: ConnectedComponents) {
    precondition(components.width > 0 && components.height > 0, "a label map without pixels has no boundaries")
    let padded = PaddedComponents(components)
    grid = CornerGrid(padded)
    // The half arc that leaves each node in each direction; −1 if there is none.
    var leaving = [Int32](repeating: -1, count: 4 * grid.nodes.count)
    traceArcs(&leaving)
    joinRings(padded, leaving)
  }

  var arcCount: Int { arcStarts.count - 1 }

  /// The corners of an arc, with both ends.
  func corners(of arc: Int) -> ArraySlice<PixelCorner> { corners[arcStarts[arc]..<arcStarts[arc + 1]] }

  private mutating func traceArcs(_ leaving: inout [Int32]) {
    for node in grid.nodes.indices {
      for direction in [GridDirection.right, .down, .left, .up] {
        let corner = grid.nodes[node]
        guard grid.hasEdge(corner, direction), !grid.isTraced(corner, direction) else { continue }
        let arc = arcCount
        let arrival = traceArc(from: corner, direction)
        leaving[4 * node + direction.rawValue] = HalfArc(arc, isBackward: false).rawValue
        let end = grid.nodeIndex(arrival.corner)
        leaving[4 * end + arrival.direction.reversed.rawValue] = HalfArc(arc, isBackward: true).rawValue
      }
    }
    // Closed lines without a node. The first corner in row-major order has an edge to the right and one down.
    for row in 0..<grid.rows {
      for corner in row * grid.stride..<(row + 1) * grid.stride
      where grid.hasEdge(corner, .right) && !grid.isTraced(corner, .right) {
        _ = traceArc(from: corner, .right)
      }
    }
    precondition(arcCount < Int(Int32.max) / 2, "a label map with \(arcCount) boundaries")
  }

  /// Adds the arc that begins at a corner in a direction, and returns its end.
  private mutating func traceArc(
    from start: Int, _ first: GridDirection
  ) -> (corner: Int, direction: GridDirection) {
    var (corner, direction) = (start, first)
    corners.append(grid.corner(start))
    grid.setVertex(start, true)
    while true {
      grid.markTraced(corner, direction)
      corner = grid.neighbour(of: corner, direction)
      if grid.isNode(corner) || corner == start { break }
      let next = grid.continuation(at: corner, arriving: direction)
      if next != direction {
        corners.append(grid.corner(corner))
        grid.setVertex(corner, true)
        direction = next
      }
    }
    corners.append(grid.corner(corner))
    arcStarts.append(corners.count)
    return (corner, direction)
  }

  private mutating func joinRings(_ components: PaddedComponents, _ leaving: [Int32]) {
    var isJoined = [Bool](repeating: false, count: 2 * arcCount)
    for first in 0..<2 * arcCount where !isJoined[first] {
      let start = ends(of: first)
      let component = components.aheadRight(of: start.first, start.leaving)
      guard component >= 0 else { continue }
      let begin = ringArcs.count
      var (half, doubleArea) = (first, 0)
      repeat {
        isJoined[half] = true
        let halfArc = HalfArc(half / 2, isBackward: half % 2 == 1)
        ringArcs.append(halfArc)
        doubleArea += self.doubleArea(halfArc)
        half = next(after: half, around: component, components, leaving)
      } while half != first
      rings.append(Ring(component: component, isExterior: doubleArea > 0, arcs: begin..<ringArcs.count))
    }
  }

  /// Where half arcs begin and end, and their directions there. All lines of an arc are parallel to an axis.
  private func ends(
    of half: Int
  ) -> (first: PixelCorner, leaving: GridDirection, last: PixelCorner, arriving: GridDirection) {
    let corners = corners(of: half / 2)
    let (start, end) = (corners.startIndex, corners.endIndex - 1)
    let forward = GridDirection(from: corners[start], to: corners[start + 1])
    let backward = GridDirection(from: corners[end], to: corners[end - 1])
    return half % 2 == 0
      ? (corners[start], forward, corners[end], backward.reversed)
      : (corners[end], backward, corners[start], forward.reversed)
  }

  /// The half arc that follows in the ring of a component on the right.
  private func next(
    after half: Int, around component: Int32, _ components: PaddedComponents, _ leaving: [Int32]
  ) -> Int {
    let (_, _, corner, direction) = ends(of: half)
    let index = grid.index(of: corner)
    // A closed line without a node.
    guard grid.isNode(index) else { return half }
    let turned =
      if components.aheadLeft(of: corner, direction) == component {
        direction.turnedLeft
      } else if components.aheadRight(of: corner, direction) == component {
        direction
      } else {
        direction.turnedRight
      }
    return Int(leaving[4 * grid.nodeIndex(index) + turned.rawValue])
  }

  /// The half arc's part of twice the area within a ring (shoelace formula), in pixels; positive if the inside is on the
  /// right.
  private func doubleArea(_ half: HalfArc) -> Int {
    let corners = corners(of: half.arc)
    var sum = 0
    for index in corners.indices.dropFirst() {
      let (from, to) = (corners[index - 1], corners[index])
      sum += from.column * to.row - to.column * from.row
    }
    return half.isBackward ? -sum : sum
  }

  /// Simplifies every arc (``ArcSimplification``).
  mutating func simplify(tolerance: Double) {
    var simplification = ArcSimplification(tolerance: tolerance, grid: grid)
    var (simplified, starts): ([PixelCorner], [Int]) = ([], [0])
    starts.reserveCapacity(arcStarts.count)
    for arc in 0..<arcCount {
      simplification.simplify(corners(of: arc), into: &simplified)
      starts.append(simplified.count)
    }
    (corners, arcStarts) = (simplified, starts)
  }
}
