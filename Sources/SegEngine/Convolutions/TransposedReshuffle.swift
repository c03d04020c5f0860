/// Transposed convolution whose kernel equals its stride: every output depends on one input, so the product of a row of inputs with the
/// taps of one kernel row is a contiguous row of outputs.
struct TransposedReshuffle: TiledConvolutionAlgorithm {
  static let method = ConvolutionMethod("transposed reshuffle", .transposedBlocks) { TransposedReshuffle($0, on: $1) }
  var method: ConvolutionMethod { TransposedReshuffle.method }

  private let problem: ConvolutionProblem
  /// The weights of one tap.
  private let matrix: PanelMatrix
  private let kernels: any Kernels
  /// The ranges of input rows.
  private let bands: EvenPieces

  init?(_ problem: ConvolutionProblem, on device: ComputeDevice) {
    guard problem.spreadsPixels else { return nil }
    self.problem = problem
    kernels = device.kernels
    matrix = PanelMatrix(
      rowOffsets: (0..<problem.inputChannels).map { $0 * problem.outputChannels * problem.taps },
      columnOffsets: (0..<problem.outputChannels).map { $0 * problem.taps }, on: device)
    bands = EvenPieces(
      problem.batch * problem.input.height, largest: max(1, 256 / problem.input.width),
      atLeast: device.workers.threadCount == 1 ? 1 : 4 * device.workers.threadCount)
  }

  var work: WorkEstimate {
    var work = WorkEstimate()
    let products = Double(problem.batch * problem.inputPixels * problem.taps)
    work.panelMacs = products * Double(matrix.count)
    work.panelResults = products * Double(matrix.count / matrix.k)
    work.weightBytes = Double(tileCount * packedByteCount)
    return work
  }

  /// A matrix `[in, out]` per tap.
  var packedFormat: PackedFormat { float32Format("tap", panels: matrix.layout) }
  var packedCount: Int { problem.taps * matrix.count }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool) {
    // The taps of an output channel adjoin, so that all matrices are packed at once.
    let (taps, layout) = (problem.taps, matrix.layout)
    let panels = (matrix.n + layout.width - 1) / layout.width
    let inputs = EvenPieces(matrix.k, largest: max(1, (1 << 15) / (layout.width * taps)))
    workers.forEach(panels * inputs.pieces) { index, _ in
      let (panel, piece) = index.quotientAndRemainder(dividingBy: inputs.pieces)
      let column = panel * layout.width
      let stored = layout.storedColumns(at: column, of: matrix.n)
      let present = min(stored, matrix.n - column)
      for input in inputs[piece] {
        let line = packed + layout.offset(ofPanelAt: column, k: matrix.k) + input * stored
        for tap in 0..<taps where present < stored {
          (line + tap * matrix.count + present).update(repeating: 0, count: stored - present)
        }
        kernels.packColumns(
          weights + (input * matrix.n + column) * taps, xStride: taps, columns: present, range: 0..<taps, period: taps,
          line, step: matrix.count, periodStep: 0)
      }
    }
  }

  var tileCount: Int { bands.pieces }
  let tileScratchCount = 0

  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let (rows, width) = (bands[tile], problem.input.width)
    run.spread(problem, rows: rows) { tap, epilogue, result in
      let product = PanelOperands(
        rows: .strided(run.x + rows.lowerBound * width * run.xStride, stride: run.xStride),
        rowCount: rows.count * width, depth: matrix.k, panels: run.weights + tap * matrix.count, columns: matrix.n,
        epilogue: epilogue, into: result)
      run.kernels.panelProduct(product)
    }
  }
}

extension ConvolutionProblem {
  /// Whether it is a transposed convolution whose kernel equals its stride, so that every output depends on one input. One of a single tap
  /// is an ordinary convolution (``turned``).
  var spreadsPixels: Bool {
    direction == .transposed && geometry.kernel == geometry.stride && taps > 1 && geometry.dilation == 1
      && geometry.padding == 0
      && geometry.groups == 1
      && output == Extent2D(height: input.height * geometry.stride.height, width: input.width * geometry.stride.width)
  }
}

extension ConvolutionRun {
  /// Calls `multiply` for each tap of a transposed convolution whose kernel equals its stride, with the destination of its results. A row
  /// of inputs gives every kernel.width-th pixel of every kernel.height-th row of outputs, so a destination has one group per row.
  func spread(
    _ problem: ConvolutionProblem, rows: Range<Int>,
    _ multiply: (_ tap: Int, _ epilogue: Epilogue, _ result: Destination) -> Void
  ) {
    let (kernel, width) = (problem.geometry.kernel, problem.output.width)
    let first = rows.lowerBound * kernel.height * width
    // A residual is added to whole rows of outputs afterwards.
    let isFinished = epilogue.residual == nil
    for tap in 0..<problem.taps {
      let (i, j) = tap.quotientAndRemainder(dividingBy: kernel.width)
      multiply(
        tap, isFinished ? epilogue : Epilogue(),
        Destination(
          result.y + (first + i * width + j) * result.stride, stride: kernel.width * result.stride,
          group: (problem.input.width, kernel.height * width * result.stride)))
    }
    if !isFinished {
      finish(pixel: first, rows: rows.count * kernel.height * width, channels: problem.outputChannels)
    }
  }
}
