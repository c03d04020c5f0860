/// The loops over two tensors that broadcast to one shape. Adjacent axes are merged where strides allow.
struct BroadcastLoops: Sendable {
  /// Rows of contiguous elements: their offsets in the tensors, and the row strides in elements.
  struct Piece {
    var rows, count: Int
    var p, q, y: Int
    var pRow, qRow, yRow: Int
    var pStep, qStep: Int
  }

  private struct Axis: Sendable {
    var extent: Int
    var p, q, y: ViewStride

    func adjoins(_ inner: Axis) -> Bool {
      p == inner.p * inner.extent && q == inner.q * inner.extent && y == inner.y * inner.extent
    }
  }

  private struct Nest: Sendable {
    let outer: ContiguousArray<Axis>
    let outerCount: Int
    let middle: Axis
    let inner: Axis

    /// Merges adjacent axes, the innermost one only with `mergingInner`. The steps of the innermost axis are 0 or 1.
    init(_ axes: [Axis], mergingInner: Bool) {
      var merged: [Axis] = []
      for (index, axis) in axes.enumerated() {
        let isInner = index == axes.count - 1
        if axis.extent == 1 && !(isInner && !mergingInner) { continue }
        if let last = merged.last, last.adjoins(axis), mergingInner || !isInner {
          merged[merged.count - 1] = Axis(extent: last.extent * axis.extent, p: axis.p, q: axis.q, y: axis.y)
        } else {
          merged.append(axis)
        }
      }
      let one = Axis(extent: 1, p: .init(), q: .init(), y: .init())
      inner = merged.popLast() ?? one
      middle = merged.popLast() ?? one
      outer = ContiguousArray(merged)
      outerCount = merged.reduce(1) { $0 * $1.extent }
    }
  }

  private let isEmpty: Bool
  private let pChannels, qChannels, yChannels: Int
  private let strided: Nest
  private let contiguous: Nest

  init(_ p: Shape, _ q: Shape, to y: Shape) {
    func strides(_ shape: Shape) -> [ViewStride] {
      let missing = [ViewStride](repeating: .init(), count: y.rank - shape.rank)
      return missing + zip(shape.dimensions, shape.viewStrides).map { $0 == 1 ? .init() : $1 }
    }
    let axes = zip(y.dimensions, zip(zip(strides(p), strides(q)), y.viewStrides)).map {
      Axis(extent: $0, p: $1.0.0, q: $1.0.1, y: $1.1)
    }
    isEmpty = y.elementCount == 0
    (pChannels, qChannels, yChannels) = (p.channels, q.channels, y.channels)
    strided = Nest(axes, mergingInner: false)
    contiguous = Nest(
      axes.map {
        Axis(
          extent: $0.extent, p: .init(elements: $0.p.resolved(p.channels)),
          q: .init(elements: $0.q.resolved(q.channels)), y: .init(elements: $0.y.resolved(y.channels)))
      }, mergingInner: true)
  }

  /// Calls `body` with pieces that together cover the output, split over the workers.
  func run(
    _ p: TensorView, _ q: TensorView, _ y: MutableTensorView, over workers: WorkerPool, _ body: (Piece) -> Void
  ) {
    guard !isEmpty else { return }
    let isFlat = p.rowStride == pChannels && q.rowStride == qChannels && y.rowStride == yChannels
    let nest = isFlat ? contiguous : strided
    let (inner, middle) = (nest.inner, nest.middle)
    let whole = Piece(
      rows: middle.extent, count: inner.extent, p: 0, q: 0, y: 0, pRow: middle.p.resolved(p.rowStride),
      qRow: middle.q.resolved(q.rowStride), yRow: middle.y.resolved(y.rowStride), pStep: inner.p.resolved(p.rowStride),
      qStep: inner.q.resolved(q.rowStride))
    if nest.outerCount * middle.extent == 1 {
      workers.forEachRange(inner.extent, grain: 8192) { range, _ in
        var piece = whole
        piece.count = range.count
        piece.p = range.lowerBound * whole.pStep
        piece.q = range.lowerBound * whole.qStep
        piece.y = range.lowerBound
        body(piece)
      }
      return
    }
    workers.forEachRange(nest.outerCount * middle.extent, grain: max(1, 8192 / inner.extent)) { range, _ in
      var position = range.lowerBound
      while position < range.upperBound {
        var (rest, first) = position.quotientAndRemainder(dividingBy: middle.extent)
        var piece = whole
        piece.rows = min(middle.extent - first, range.upperBound - position)
        piece.p = first * whole.pRow
        piece.q = first * whole.qRow
        piece.y = first * whole.yRow
        for axis in nest.outer.reversed() {
          let index: Int
          (rest, index) = rest.quotientAndRemainder(dividingBy: axis.extent)
          piece.p += index * axis.p.resolved(p.rowStride)
          piece.q += index * axis.q.resolved(q.rowStride)
          piece.y += index * axis.y.resolved(y.rowStride)
        }
        body(piece)
        position += piece.rows
      }
    }
  }
}
