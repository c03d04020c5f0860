/// What is known of each corner of a label map's pixels: the boundary edges that meet there, and marks.
struct CornerGrid {
  /// The corners of a row: the width of the map + 1.
  let stride: Int
  /// Bits 0 to 3: a boundary edge in the ``GridDirection`` of that number; bits 4 to 7: marks.
  private var flags: [UInt8]
  /// The nodes in row-major order: corners where three or more boundary edges meet, and the corners of the map.
  private(set) var nodes: [Int] = []
  /// The nodes of row y are `nodeRows[y]..<nodeRows[y + 1]`.
  private var nodeRows: [Int] = [0]

  /// The number of rows of corners: the height of the map + 1.
  var rows: Int { flags.count / stride }

  private static let node: UInt8 = 1 << 4
  private static let vertex: UInt8 = 1 << 5
  /// An arc passes along the edge to the right, or down.
  private static let tracedRight: UInt8 = 1 << 6
  private static let tracedDown: UInt8 = 1 << 7

  /// Finds the boundary edges between the components of a map that is not empty.
  init(_ components: PaddedComponents) {
    let (width, height) = (components.width, components.height)
    stride = width + 1
    flags = Array(repeating: 0, count: stride * (height + 1))
    for row in 0...height {
      var (upperLeft, lowerLeft) = (components.indices[row * (width + 2)], components.indices[(row + 1) * (width + 2)])
      for column in 0...width {
        let upperRight = components.indices[row * (width + 2) + column + 1]
        let lowerRight = components.indices[(row + 1) * (width + 2) + column + 1]
        var edges: UInt8 = upperRight != lowerRight ? 1 : 0
        edges |= lowerLeft != lowerRight ? 2 : 0
        edges |= upperLeft != lowerLeft ? 4 : 0
        edges |= upperLeft != upperRight ? 8 : 0
        (upperLeft, lowerLeft) = (upperRight, lowerRight)
        guard edges != 0 else { continue }
        let corner = row * stride + column
        flags[corner] = edges
        let isMapCorner = (row == 0 || row == height) && (column == 0 || column == width)
        if edges.nonzeroBitCount > 2 || isMapCorner {
          flags[corner] |= Self.node | Self.vertex
          nodes.append(corner)
        }
      }
      nodeRows.append(nodes.count)
    }
  }

  /// The index of a corner.
  func index(of corner: PixelCorner) -> Int { corner.row * stride + corner.column }

  /// The corner of an index.
  func corner(_ index: Int) -> PixelCorner {
    let (row, column) = index.quotientAndRemainder(dividingBy: stride)
    return PixelCorner(column: column, row: row)
  }

  /// The index of the neighbour in a direction.
  func neighbour(of corner: Int, _ direction: GridDirection) -> Int {
    switch direction {
    case .right: corner + 1
    case .down: corner + stride
    case .left: corner - 1
    case .up: corner - stride
    }
  }

  /// Whether there is a boundary edge from a corner in a direction.
  func hasEdge(_ corner: Int, _ direction: GridDirection) -> Bool { flags[corner] & (1 << direction.rawValue) != 0 }

  /// The direction in which a boundary goes on at a corner of two edges, one of which it came along.
  func continuation(at corner: Int, arriving direction: GridDirection) -> GridDirection {
    let others = flags[corner] & 0xF & ~(1 << UInt8(direction.reversed.rawValue))
    return GridDirection(rawValue: others.trailingZeroBitCount)!
  }

  /// Whether an arc passes along the edge from a corner in a direction.
  func isTraced(_ corner: Int, _ direction: GridDirection) -> Bool {
    switch direction {
    case .right: flags[corner] & Self.tracedRight != 0
    case .down: flags[corner] & Self.tracedDown != 0
    case .left: flags[corner - 1] & Self.tracedRight != 0
    case .up: flags[corner - stride] & Self.tracedDown != 0
    }
  }

  mutating func markTraced(_ corner: Int, _ direction: GridDirection) {
    switch direction {
    case .right: flags[corner] |= Self.tracedRight
    case .down: flags[corner] |= Self.tracedDown
    case .left: flags[corner - 1] |= Self.tracedRight
    case .up: flags[corner - stride] |= Self.tracedDown
    }
  }

  func isNode(_ corner: Int) -> Bool { flags[corner] & Self.node != 0 }

  /// The position of a node in ``nodes``.
  func nodeIndex(_ corner: Int) -> Int {
    let row = corner / stride
    var (low, high) = (nodeRows[row], nodeRows[row + 1])
    while high - low > 1 {
      let middle = (low + high) / 2
      if nodes[middle] <= corner { low = middle } else { high = middle }
    }
    return low
  }

  /// Whether a line of the current drawing has a vertex at a corner.
  func isVertex(_ corner: Int) -> Bool { flags[corner] & Self.vertex != 0 }

  mutating func setVertex(_ corner: Int, _ isVertex: Bool) {
    if isVertex { flags[corner] |= Self.vertex } else { flags[corner] &= ~Self.vertex }
  }
}
