/// The passes of a reduction over some axes of a tensor, each over one group of adjacent axes.
///
/// Long reductions are cut into blocks whose size depends on shapes alone. The blocks are split over the workers, rounding errors grow with
/// the square root of the length, and the result does not depend on the thread count.
struct ReductionPlan: Sendable {
  /// `[outer, extent, innerRows, channels]` → `[outer, blocks, innerRows, channels]`. A block is `block` indices along extent.
  private struct Pass: Sendable {
    var outer, extent, innerRows, channels, block: Int
    var reduction: Reduction
    /// Whether extent is the tensor's innermost axis, so that each row is contiguous.
    var isInnermost: Bool

    var blocks: Int { max(1, (extent + block - 1) / block) }
    var resultCount: Int { outer * blocks * innerRows * channels }
  }

  private let passes: ContiguousArray<Pass>
  /// Scratch memory in bytes.
  let workspaceByteCount: Int
  /// The number of elements that are reduced to one.
  let count: Int

  /// Plans the reduction of a shape.
  init(_ shape: Shape, axes: Set<Int>, _ reduction: Reduction) {
    count = axes.reduce(1) { $0 * shape[$1] }
    var passes = ContiguousArray<Pass>()
    func add(outer: Int, extent: Int, innerRows: Int, channels: Int, isInnermost: Bool = false) {
      // Later passes add up sums of squares; they do not square again.
      let reduction = passes.isEmpty || reduction != .sumOfSquares ? reduction : .sum
      let isRun = innerRows * channels == 1
      let block = max(isRun ? 4096 : 256, (extent + 255) / 256)
      let pass = Pass(
        outer: outer, extent: extent, innerRows: innerRows, channels: channels, block: block, reduction: reduction,
        isInnermost: isInnermost)
      passes.append(pass)
      if pass.blocks > 1 { add(outer: outer, extent: pass.blocks, innerRows: 1, channels: innerRows * channels) }
    }
    var inner = 1
    var innerRows = 1
    var last = shape.rank - 1
    if axes.contains(last) {
      add(outer: shape.rows, extent: shape.channels, innerRows: 1, channels: 1, isInnermost: true)
    } else {
      inner = shape.channels
    }
    last -= 1
    while last >= 0 {
      var first = last
      while first > 0, axes.contains(first - 1) == axes.contains(last) { first -= 1 }
      let extent = shape.dimensions[first...last].reduce(1, *)
      if axes.contains(last) {
        let outer = shape.dimensions[..<first].reduce(1, *)
        add(outer: outer, extent: extent, innerRows: innerRows, channels: inner)
        inner *= innerRows
        innerRows = 1
      } else if passes.isEmpty {
        innerRows *= extent
      } else {
        inner *= extent
      }
      last = first - 1
    }
    self.passes = passes
    workspaceByteCount = ElementType.float32.byteCount(of: passes.reduce(0) { $0 + $1.resultCount })
  }

  /// Reduces `x`. `finish` processes the results in place, before they are written to a strided output.
  func run(
    _ x: TensorView, _ y: MutableTensorView, scratch: UnsafeMutablePointer<Float>, on device: ComputeDevice,
    finish: (UnsafeMutablePointer<Float>, _ count: Int) -> Void
  ) {
    var source = x.floats
    var rowStride = x.rowStride
    var next = scratch
    for (index, pass) in passes.enumerated() {
      let isLast = index == passes.count - 1
      let target = isLast && y.isContiguous ? y.floats : next
      run(pass, source, rowStride: index == 0 ? rowStride : pass.channels, target, on: device)
      source = UnsafePointer(target)
      rowStride = pass.channels
      next += pass.resultCount
      if isLast { finish(target, pass.resultCount) }
    }
    if !y.isContiguous {
      for row in 0..<y.shape.rows {
        (y.floats + row * y.rowStride).update(from: source + row * y.shape.channels, count: y.shape.channels)
      }
    }
  }

  private func run(
    _ pass: Pass, _ x: UnsafePointer<Float>, rowStride: Int, _ y: UnsafeMutablePointer<Float>, on device: ComputeDevice
  ) {
    let (extent, block, blocks) = (pass.extent, pass.block, pass.blocks)
    if pass.isInnermost || pass.innerRows * pass.channels == 1 && rowStride == 1 {
      let stride = pass.isInnermost ? rowStride : extent
      device.workers.forEachRange(pass.outer * blocks, grain: max(1, 16384 / max(1, min(block, extent)))) { range, _ in
        for index in range {
          let (row, part) = index.quotientAndRemainder(dividingBy: blocks)
          let start = part * block
          y[index] = device.kernels.reduce(pass.reduction, x + row * stride + start, count: min(block, extent - start))
        }
      }
      return
    }
    let isFlat = rowStride == pass.channels
    let innerRows = isFlat ? 1 : pass.innerRows
    let channels = isFlat ? pass.innerRows * pass.channels : pass.channels
    let chunk = 128
    let chunks = (channels + chunk - 1) / chunk
    let work = min(block, max(1, extent)) * min(chunk, channels)
    device.workers.forEachRange(pass.outer * blocks * innerRows * chunks, grain: max(1, 16384 / work)) { range, _ in
      for index in range {
        let (rest, part) = index.quotientAndRemainder(dividingBy: chunks)
        let (blockIndex, row) = rest.quotientAndRemainder(dividingBy: innerRows)
        let (outer, block) = blockIndex.quotientAndRemainder(dividingBy: blocks)
        let start = block * pass.block
        let step = isFlat ? channels : innerRows * rowStride
        let first = (outer * extent + start) * step + (isFlat ? 0 : row * rowStride) + part * chunk
        device.kernels.reduceRows(
          pass.reduction, x + first, xStride: step, rows: min(pass.block, extent - start),
          channels: min(chunk, channels - part * chunk), y + (blockIndex * innerRows + row) * channels + part * chunk)
      }
    }
  }
}
