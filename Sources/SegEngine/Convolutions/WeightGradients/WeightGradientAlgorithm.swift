/// An algorithm for the gradient of a convolution's weights that is set up for a convolution.
///
/// The weights are cut into blocks (``WeightGradientBlocks``) and the pixels into parts. Each pair of a block and a part is a task. Both
/// numbers depend on shapes and on the processor's caches, but not on the number of threads, so that the result is the same to the bit for
/// any number. The sums of a block's parts are added in their order.
protocol WeightGradientAlgorithm: Sendable {
  /// The name in reports and in ``CompileOptions/AlgorithmChoice/named(_:)``.
  var name: String { get }

  /// The convolution.
  var problem: ConvolutionProblem { get }

  /// The work of one run.
  var work: WorkEstimate { get }

  /// The blocks of the weights.
  var blocks: WeightGradientBlocks { get }

  /// The parts of the items, which are groups of pixels.
  var parts: EvenPieces { get }

  /// Scratch memory of a task in floats.
  var scratchCount: Int { get }

  /// Computes a block's sums over some items: ``WeightGradientBlocks/rows(of:)`` by ``WeightGradientBlocks/columns(of:)``.
  func sum(
    _ block: WeightGradientBlock, items: Range<Int>, _ run: WeightGradientRun, into sums: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>)
}

/// The operands of one run of a weight gradient. Maps are `[batch, height, width, channels]`.
struct WeightGradientRun {
  let device: ComputeDevice
  /// The convolution's input, and floats from a pixel to the next.
  let x: UnsafePointer<Float>
  let xStride: Int
  /// The gradient of its output, and floats from a pixel to the next.
  let dy: UnsafePointer<Float>
  let dyStride: Int
  /// The gradient of the weights, and floats from one row of taps to the next.
  let dw: UnsafeMutablePointer<Float>
  let dwStride: Int

  /// The vector kernels.
  var kernels: any Kernels { device.kernels }
}

extension WeightGradientAlgorithm {
  /// Rows of a block's sums that are added up and written at a time.
  private var rowsAtATime: Int { 48 }

  private var alignedScratchCount: Int { (scratchCount + 15) / 16 * 16 }

  /// Scratch memory of a run in floats, for a thread count.
  func totalScratchCount(threads: Int) -> Int {
    let sums = parts.pieces == 1 ? threads : blocks.count * parts.pieces
    return threads * alignedScratchCount + sums * blocks.sumCount
  }

  /// Computes the gradient, split over the workers.
  func run(_ run: WeightGradientRun, scratch: UnsafeMutablePointer<Float>) {
    let workers = run.device.workers
    let (blockCount, sumCount) = (blocks.count, blocks.sumCount)
    let allSums = scratch + workers.threadCount * alignedScratchCount
    let isWhole = parts.pieces == 1
    workers.forEach(blockCount * parts.pieces) { task, worker in
      let (part, index) = task.quotientAndRemainder(dividingBy: blockCount)
      let block = blocks[index]
      let sums = allSums + (isWhole ? worker : task) * sumCount
      sum(block, items: parts[part], run, into: sums, scratch: scratch + worker * alignedScratchCount)
      if isWhole { write(block, rows: 0..<blocks.rows(of: block), sums, run) }
    }
    guard !isWhole else { return }
    let pieces = EvenPieces(blocks.largestRows, largest: rowsAtATime)
    workers.forEach(blockCount * pieces.pieces) { task, _ in
      let (index, piece) = task.quotientAndRemainder(dividingBy: pieces.pieces)
      let block = blocks[index]
      let rows = pieces[piece].clamped(to: 0..<blocks.rows(of: block))
      guard !rows.isEmpty else { return }
      let columns = blocks.columns(of: block)
      let sums = allSums + index * sumCount
      let first = sums + rows.lowerBound * columns
      for part in 1..<parts.pieces {
        run.kernels.combine(
          .add, first, pStep: 1, first + part * blockCount * sumCount, qStep: 1, first, count: rows.count * columns)
      }
      write(block, rows: rows, sums, run)
    }
  }

  /// Writes some rows of a block's finished sums to the gradient, whose layout is `[out, in / groups, tap]`.
  private func write(
    _ block: WeightGradientBlock, rows: Range<Int>, _ sums: UnsafePointer<Float>, _ run: WeightGradientRun
  ) {
    let (columns, rowLength) = (blocks.columns(of: block), blocks.inputs.count * blocks.taps)
    if blocks.isTransposed {
      for row in rows {
        let place = (block.outputs.lowerBound + row) * blocks.inputs.count + block.inputs.lowerBound
        for input in 0..<block.inputs.count {
          run.dw[(place + input) * run.dwStride] = sums[row * columns + input]
        }
      }
      return
    }
    let first = block.outputs.lowerBound * rowLength + block.inputs.lowerBound * blocks.taps + rows.lowerBound
    let source = sums + rows.lowerBound * columns
    let width = problem.geometry.kernel.width
    guard run.dwStride != width else {
      run.kernels.transpose(
        source, xStride: columns, run.dw + first, yStride: rowLength, rows: rows.count, columns: block.outputs.count)
      return
    }
    for output in 0..<block.outputs.count {
      for row in 0..<rows.count {
        let (line, tap) = (first + output * rowLength + row).quotientAndRemainder(dividingBy: width)
        run.dw[line * run.dwStride + tap] = source[row * columns + output]
      }
    }
  }

  /// Makes the prepared operator, whose inputs are x and the gradient of the output.
  func prepared(_ context: PreparationContext, candidates: [AlgorithmCandidate]) -> PreparedOperator {
    var work = work
    work.columns = problem.groupOutputs
    return PreparedOperator(
      workspaceByteCount: ElementType.float32.byteCount(of: totalScratchCount(threads: context.workers.threadCount)),
      algorithm: name, candidates: candidates, work: work
    ) { context in
      let (x, dy, dw) = (context.input(0), context.input(1), context.output())
      run(
        WeightGradientRun(
          device: context.device, x: x.floats, xStride: x.rowStride, dy: dy.floats, dyStride: dy.rowStride,
          dw: dw.floats, dwStride: dw.rowStride),
        scratch: context.scratch)
    }
  }
}
