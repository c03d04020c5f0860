import SegEngine

/// The regions of a label map as polygons along the edges of pixels.
///
/// A region is a 4-connected component (`ConnectedComponents`); its pixels share edges. Regions are in the order of their
/// first pixels, rows from the top and columns from the left. Polygons are valid as the Simple Features standard
/// (OGC 06-103r4, 6.1.11) has it: rings neither cross nor touch themselves, and rings of a polygon touch in single
/// points at most. Regions of the same label that touch at a corner are two polygons, which touch there.
///
/// Polygons of neighbouring regions have the same vertices along the boundary that they share. Each has a vertex at
/// every corner where the boundary meets that of a third region.
///
/// With a tolerance above 0, boundaries are simplified by the algorithm of Douglas and Peucker (1973), each once for the
/// regions on both sides. Places where three or more regions meet, the edge of the map and its corners stay. Polygons
/// stay valid, and they neither overlap nor leave gaps: where a simplified line would touch or cross another one, or
/// pass over a hole or a small region, it keeps more corners.
///
/// - Complexity: The polygons take time proportional to the pixels, the simplification O(n log n) for usual boundaries
///   of n corners and O(n²) in the worst case.
public struct RegionPolygons: Sendable, RandomAccessCollection {
  /// A region with its polygon.
  ///
  /// Rings are lists of corners; the last one is joined with the first, which is not repeated. With x to the right and y
  /// down, the area of an exterior ring by the shoelace formula, ½ Σ (xᵢ · yᵢ₊₁ − xᵢ₊₁ · yᵢ), is positive, that of a hole
  /// negative.
  public struct Region: Sendable, Hashable {
    /// The label of the region's pixels.
    public let label: UInt16
    /// The number of its pixels. Simplification does not change it.
    public let pixelCount: Int
    /// The outer boundary.
    public let exterior: ArraySlice<PixelCorner>
    /// The boundaries of holes.
    public let holes: [ArraySlice<PixelCorner>]
  }

  private struct StoredRegion {
    let label: UInt16
    let pixelCount: Int
    /// Its rings, the exterior first.
    let rings: Range<Int>
  }

  /// Width of the map in pixels.
  public let width: Int
  /// Height of the map in pixels.
  public let height: Int
  private var regions: [StoredRegion] = []
  /// The corners of ring n are `corners[ringStarts[n]..<ringStarts[n + 1]]`.
  private var ringStarts: [Int] = [0]
  private var corners: [PixelCorner] = []

  /// Finds the regions of a label map.
  ///
  /// - Parameters:
  ///   - map: The labels.
  ///   - leftOut: Labels whose regions get no polygons, such as background. Where they border on others, the boundaries
  ///     are the same as if they were not left out.
  ///   - tolerance: The largest distance of a corner from the line that replaces it, in pixels. 0 keeps all corners.
  /// - Precondition: The tolerance is finite and not negative.
  public init(_ map: LabelMap, leavingOut leftOut: Set<UInt16> = [], tolerance: Double = 0) {
    precondition(tolerance >= 0 && tolerance.isFinite, "a tolerance of \(tolerance) pixels")
    (width, height) = (map.width, map.height)
    guard map.width > 0, map.height > 0 else { return }
    let components = ConnectedComponents(map, connectivity: .four)
    var graph = BoundaryGraph(components)
    if tolerance > 0 { graph.simplify(tolerance: tolerance) }
    for rings in Self.ringsByComponent(graph, components.count) {
      let component = Int(graph.rings[rings.first!].component)
      guard !leftOut.contains(components.labels[component]) else { continue }
      let first = ringStarts.count - 1
      for ring in rings { append(graph.rings[ring], of: graph) }
      regions.append(
        StoredRegion(
          label: components.labels[component], pixelCount: components.sizes[component],
          rings: first..<ringStarts.count - 1))
    }
  }

  /// The rings of each component, the exterior first.
  private static func ringsByComponent(_ graph: BoundaryGraph, _ count: Int) -> [ArraySlice<Int>] {
    var starts = [Int](repeating: 0, count: count + 1)
    for ring in graph.rings { starts[Int(ring.component) + 1] += 1 }
    for component in 0..<count { starts[component + 1] += starts[component] }
    var ordered = [Int](repeating: 0, count: graph.rings.count)
    // The first place is the exterior's.
    var next = starts.map { $0 + 1 }
    for (index, ring) in graph.rings.enumerated() {
      let component = Int(ring.component)
      if ring.isExterior {
        ordered[starts[component]] = index
      } else {
        ordered[next[component]] = index
        next[component] += 1
      }
    }
    return (0..<count).map { ordered[starts[$0]..<starts[$0 + 1]] }
  }

  private mutating func append(_ ring: BoundaryGraph.Ring, of graph: BoundaryGraph) {
    for half in graph.ringArcs[ring.arcs] {
      // The last corner is the first of the next arc.
      let arc = graph.corners(of: half.arc)
      if half.isBackward {
        corners.append(contentsOf: arc.dropFirst().reversed())
      } else {
        corners.append(contentsOf: arc.dropLast())
      }
    }
    ringStarts.append(corners.count)
  }

  public var startIndex: Int { 0 }
  public var endIndex: Int { regions.count }

  /// The region of an index.
  public subscript(position: Int) -> Region {
    let region = regions[position]
    func ring(_ index: Int) -> ArraySlice<PixelCorner> { corners[ringStarts[index]..<ringStarts[index + 1]] }
    return Region(
      label: region.label, pixelCount: region.pixelCount, exterior: ring(region.rings.lowerBound),
      holes: region.rings.dropFirst().map(ring))
  }

  /// The label of a region.
  func label(of index: Int) -> UInt16 { regions[index].label }

  /// The number of pixels of a region.
  func pixelCount(of index: Int) -> Int { regions[index].pixelCount }
}
