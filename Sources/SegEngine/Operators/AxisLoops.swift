/// The loops of an operator along one axis of a tensor that is not the innermost, such as softmax.
struct AxisLoops: Sendable {
  /// The largest number of elements of a piece.
  static let chunk = 512

  /// Contiguous elements at the first index of the axis: their offsets in both tensors, and the distance to the next index.
  struct Piece {
    var x, y, xStep, yStep, count: Int
    /// The number of elements before the piece, counted without the axis.
    var position: Int
  }

  /// The axis's extent.
  let extent: Int
  /// Whether the axis is the innermost.
  let isInnermost: Bool
  private let outer, innerRows, channels: Int

  init(_ shape: Shape, axis: Int) {
    guard let axis = shape.normalizedAxis(axis) else { preconditionFailure("shapes were checked") }
    extent = shape[axis]
    isInnermost = axis == shape.rank - 1
    outer = shape.dimensions[..<axis].reduce(1, *)
    innerRows = isInnermost ? 1 : shape.dimensions[(axis + 1)...].dropLast().reduce(1, *)
    channels = shape.channels
  }

  /// Calls `body` with pieces that together cover both tensors, split over the workers.
  func run(_ xStride: Int, _ yStride: Int, over workers: WorkerPool, _ body: (Piece, _ worker: Int) -> Void) {
    let isFlat = xStride == channels && yStride == channels
    let rows = isFlat ? 1 : innerRows
    let length = isFlat ? innerRows * channels : channels
    let chunks = (length + AxisLoops.chunk - 1) / AxisLoops.chunk
    let (xRow, yRow) = (isFlat ? length : xStride, isFlat ? length : yStride)
    let work = extent * min(AxisLoops.chunk, max(1, length))
    workers.forEachRange(outer * rows * chunks, grain: max(1, 4096 / max(1, work))) { range, worker in
      for index in range {
        let (rest, part) = index.quotientAndRemainder(dividingBy: chunks)
        let (outer, row) = rest.quotientAndRemainder(dividingBy: rows)
        let start = part * AxisLoops.chunk
        body(
          Piece(
            x: (outer * extent * rows + row) * xRow + start, y: (outer * extent * rows + row) * yRow + start,
            xStep: rows * xRow, yStep: rows * yRow, count: min(AxisLoops.chunk, length - start),
            position: rest * length + start), worker)
      }
    }
  }
}
