import SegEngine

/// The component of each pixel of a label map, with a border one pixel wide around the map that is in no component.
struct PaddedComponents {
  /// Width of the map in pixels.
  let width: Int
  /// Height of the map in pixels.
  let height: Int
  /// `(height + 2) * (width + 2)` components, row by row; −1 outside the map.
  private(set) var indices: [Int32]

  init(_ components: ConnectedComponents) {
    (width, height) = (components.width, components.height)
    let stride = components.width + 2
    var indices = [Int32](repeating: -1, count: (components.height + 2) * stride)
    components.forEachRun { row, columns, component in
      let first = (row + 1) * stride + 1
      for index in first + columns.lowerBound..<first + columns.upperBound { indices[index] = component }
    }
    self.indices = indices
  }

  /// The component of the pixel ahead of a corner and to the right.
  func aheadRight(of corner: PixelCorner, _ direction: GridDirection) -> Int32 {
    // The pixel above and to the left of the corner.
    let upperLeft = corner.row * (width + 2) + corner.column
    return switch direction {
    case .right: indices[upperLeft + width + 3]
    case .down: indices[upperLeft + width + 2]
    case .left: indices[upperLeft]
    case .up: indices[upperLeft + 1]
    }
  }

  /// The component of the pixel ahead of a corner and to the left.
  func aheadLeft(of corner: PixelCorner, _ direction: GridDirection) -> Int32 {
    aheadRight(of: corner, direction.turnedLeft)
  }
}
