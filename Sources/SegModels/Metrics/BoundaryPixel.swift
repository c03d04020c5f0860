import SegEngine

/// A pixel at the boundary of its class.
struct BoundaryPixel {
  let row: Int32
  let column: Int32
  /// Whether a neighbour within the image is outside the class. If not, the pixel is boundary only because of the image
  /// edge.
  let hasNeighbourOutside: Bool
}
