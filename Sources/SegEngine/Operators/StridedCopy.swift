#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The stride of a loop axis in a tensor: a number of rows plus a number of elements.
///
/// The two are separate because the row stride is known only when an operator runs (``TensorView/rowStride``).
public struct ViewStride: Hashable, Sendable {
  /// Rows from one step to the next.
  public var rows: Int
  /// Elements from one step to the next, in addition to the rows.
  public var elements: Int

  /// Makes a stride.
  public init(rows: Int = 0, elements: Int = 0) {
    self.rows = rows
    self.elements = elements
  }

  func resolved(_ rowStride: Int) -> Int { rows * rowStride + elements }

  static func * (stride: ViewStride, factor: Int) -> ViewStride {
    ViewStride(rows: stride.rows * factor, elements: stride.elements * factor)
  }

  static func + (a: ViewStride, b: ViewStride) -> ViewStride {
    ViewStride(rows: a.rows + b.rows, elements: a.elements + b.elements)
  }
}

extension Shape {
  /// The stride of each axis: elements for the innermost, rows for the others.
  var viewStrides: [ViewStride] {
    var strides = [ViewStride](repeating: ViewStride(rows: 0, elements: 1), count: rank)
    var rows = 1
    for axis in stride(from: rank - 2, through: 0, by: -1) {
      strides[axis] = ViewStride(rows: rows, elements: 0)
      rows *= dimensions[axis]
    }
    return strides
  }
}

/// Copies elements of any type from one tensor to another in nested loops with a stride on both sides. Transposition, slices,
/// concatenation, broadcasting and pixel shuffles use it.
struct StridedCopy: Sendable {
  /// One loop.
  struct Axis: Sendable {
    var extent: Int
    var source: ViewStride
    var target: ViewStride
  }

  /// Loops from the outermost to the innermost, with adjacent ones merged.
  private struct Nest: Sendable {
    /// All loops except the last two.
    let outer: ContiguousArray<Axis>
    let outerCount: Int
    let middle: Axis
    let inner: Axis

    init(_ axes: [Axis], merging canMerge: (_ outer: Axis, _ inner: Axis) -> Bool) {
      var merged: [Axis] = []
      for axis in axes where axis.extent != 1 {
        if let last = merged.last, canMerge(last, axis) {
          merged[merged.count - 1] = Axis(extent: last.extent * axis.extent, source: axis.source, target: axis.target)
        } else {
          merged.append(axis)
        }
      }
      let one = Axis(extent: 1, source: .init(), target: .init())
      inner = merged.popLast() ?? one
      // The second innermost loop is the one with the smallest step in the source, so that a transposition works on square tiles.
      let best = merged.indices.min { a, b in
        func size(_ axis: Axis) -> (Int, Int) { (abs(axis.source.rows), abs(axis.source.elements)) }
        return size(merged[a]) < size(merged[b])
      }
      let isPlain = inner.source == inner.target
      middle = merged.isEmpty ? one : isPlain ? merged.removeLast() : merged.remove(at: best ?? 0)
      outer = ContiguousArray(merged)
      outerCount = merged.reduce(1) { $0 * $1.extent }
    }
  }

  private let elementType: ElementType
  private let sourceChannels: Int
  private let targetChannels: Int
  private let sourceOffset: ViewStride
  private let targetOffset: ViewStride
  private let isEmpty: Bool
  /// The loops for row strides that are known only when running.
  private let strided: Nest
  /// The loops for contiguous tensors, where rows may be merged too.
  private let contiguous: Nest

  /// Describes a copy.
  ///
  /// - Parameter axes: the loops, from the target's outermost axis to its innermost.
  init(
    _ axes: [Axis], elementType: ElementType, from source: Shape, to target: Shape, sourceOffset: ViewStride = .init(),
    targetOffset: ViewStride = .init()
  ) {
    self.elementType = elementType
    sourceChannels = source.channels
    targetChannels = target.channels
    self.sourceOffset = sourceOffset
    self.targetOffset = targetOffset
    isEmpty = axes.contains { $0.extent == 0 }
    strided = Nest(axes) { $0.source == $1.source * $1.extent && $0.target == $1.target * $1.extent }
    let flat = axes.map {
      Axis(
        extent: $0.extent, source: .init(elements: $0.source.resolved(source.channels)),
        target: .init(elements: $0.target.resolved(target.channels)))
    }
    contiguous = Nest(flat) { $0.source == $1.source * $1.extent && $0.target == $1.target * $1.extent }
  }

  /// Copies the elements, split over the workers.
  func run(_ source: TensorView, _ target: MutableTensorView, over workers: WorkerPool) {
    guard !isEmpty else { return }
    let isFlat = source.rowStride == sourceChannels && target.rowStride == targetChannels
    // Only the size in bytes matters.
    switch elementType {
    case .uint8: run(UInt8.self, isFlat ? contiguous : strided, source, target, workers)
    case .uint16: run(UInt16.self, isFlat ? contiguous : strided, source, target, workers)
    case .float32, .int32: run(UInt32.self, isFlat ? contiguous : strided, source, target, workers)
    case .int64: run(UInt64.self, isFlat ? contiguous : strided, source, target, workers)
    }
  }

  private func run<Unit: BitwiseCopyable>(
    _ unit: Unit.Type, _ nest: Nest, _ source: TensorView, _ target: MutableTensorView, _ workers: WorkerPool
  ) {
    let from = source.base.assumingMemoryBound(to: Unit.self) + sourceOffset.resolved(source.rowStride)
    let to = target.base.assumingMemoryBound(to: Unit.self) + targetOffset.resolved(target.rowStride)
    let (inner, middle) = (nest.inner, nest.middle)
    let (sourceInner, targetInner) = (inner.source.resolved(source.rowStride), inner.target.resolved(target.rowStride))
    let (sourceMiddle, targetMiddle) = (
      middle.source.resolved(source.rowStride), middle.target.resolved(target.rowStride)
    )
    let isRun = sourceInner == 1 && targetInner == 1 || inner.extent == 1
    // One long run is divided, so that it is split over the workers too.
    if isRun && nest.outerCount * middle.extent == 1 {
      workers.forEachRange(inner.extent, grain: 65536) { range, _ in
        _ = memcpy(to + range.lowerBound, from + range.lowerBound, range.count * MemoryLayout<Unit>.stride)
      }
      return
    }
    func offsets(_ outer: Int) -> (source: Int, target: Int) {
      var (rest, s, t) = (outer, 0, 0)
      for axis in nest.outer.reversed() {
        let index: Int
        (rest, index) = rest.quotientAndRemainder(dividingBy: axis.extent)
        s += index * axis.source.resolved(source.rowStride)
        t += index * axis.target.resolved(target.rowStride)
      }
      return (s, t)
    }
    if isRun {
      workers.forEachRange(nest.outerCount * middle.extent, grain: max(1, 16384 / inner.extent)) { range, _ in
        var position = range.lowerBound
        while position < range.upperBound {
          let (outer, first) = position.quotientAndRemainder(dividingBy: middle.extent)
          let count = min(middle.extent - first, range.upperBound - position)
          let (s, t) = offsets(outer)
          copyRuns(
            from + s + first * sourceMiddle, sourceMiddle, to + t + first * targetMiddle, targetMiddle, count,
            inner.extent)
          position += count
        }
      }
      return
    }
    // Neither side is contiguous: copy in tiles whose cache lines on both sides stay in the first-level cache.
    let width = min(inner.extent, 32)
    let height = min(middle.extent, 16384 / width)
    let (across, down) = ((inner.extent + width - 1) / width, (middle.extent + height - 1) / height)
    workers.forEachRange(nest.outerCount * down * across, grain: max(1, 16384 / (width * height))) { range, _ in
      for index in range {
        let (rest, column) = index.quotientAndRemainder(dividingBy: across)
        let (outer, row) = rest.quotientAndRemainder(dividingBy: down)
        let (s, t) = offsets(outer)
        copyTile(
          from + s + row * height * sourceMiddle + column * width * sourceInner, sourceMiddle, sourceInner,
          to + t + row * height * targetMiddle + column * width * targetInner, targetMiddle, targetInner,
          min(height, middle.extent - row * height), min(width, inner.extent - column * width))
      }
    }
  }
}

/// Copies `count` runs of contiguous elements.
@inline(__always)
private func copyRuns<Unit: BitwiseCopyable>(
  _ source: UnsafePointer<Unit>, _ sourceStep: Int, _ target: UnsafeMutablePointer<Unit>, _ targetStep: Int,
  _ count: Int,
  _ length: Int
) {
  // A call for a few bytes costs more than the copy.
  if length <= 8 {
    for run in 0..<count {
      let (s, t) = (source + run * sourceStep, target + run * targetStep)
      for i in 0..<length { t[i] = s[i] }
    }
  } else {
    for run in 0..<count {
      memcpy(target + run * targetStep, source + run * sourceStep, length * MemoryLayout<Unit>.stride)
    }
  }
}

/// Copies along two loops, neither of which is contiguous on both sides.
@inline(__always)
private func copyTile<Unit: BitwiseCopyable>(
  _ source: UnsafePointer<Unit>, _ sourceMiddle: Int, _ sourceInner: Int, _ target: UnsafeMutablePointer<Unit>,
  _ targetMiddle: Int, _ targetInner: Int, _ middle: Int, _ inner: Int
) {
  for m in 0..<middle {
    let (s, t) = (source + m * sourceMiddle, target + m * targetMiddle)
    for i in 0..<inner { t[i * targetInner] = s[i * sourceInner] }
  }
}
