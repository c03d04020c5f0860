/// A direction along the grid of pixel corners, with y down.
enum GridDirection: Int {
  case right, down, left, up

  var reversed: GridDirection { GridDirection(rawValue: (rawValue + 2) & 3)! }
  var turnedRight: GridDirection { GridDirection(rawValue: (rawValue + 1) & 3)! }
  var turnedLeft: GridDirection { GridDirection(rawValue: (rawValue + 3) & 3)! }

  /// The direction of an axis-parallel line from one corner to another one.
  init(from start: PixelCorner, to end: PixelCorner) {
    self = start.y == end.y ? (end.x > start.x ? .right : .left) : (end.y > start.y ? .down : .up)
  }

  /// Whether a line from one corner to another one has exactly this direction.
  func isDirection(from start: PixelCorner, to end: PixelCorner) -> Bool {
    (start.x == end.x) != (start.y == end.y) && GridDirection(from: start, to: end) == self
  }
}
