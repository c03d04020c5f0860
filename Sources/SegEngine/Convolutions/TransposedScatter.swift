/// Transposed convolution of any geometry: a product computes the contributions of each input to each tap, and they are added to the
/// outputs. The work is split into bands of output rows. A band multiplies only the input rows that contribute to it, so bands write
/// separate rows.
struct TransposedScatter: TiledConvolutionAlgorithm {
  static let method = ConvolutionMethod("transposed scatter", .transposed) { TransposedScatter($0, on: $1) }
  var method: ConvolutionMethod { TransposedScatter.method }

  private let problem: ConvolutionProblem
  /// The weights of one group: rows are input channels, columns (tap, output channel).
  private let matrix: PanelMatrix
  private let bands: EvenPieces

  /// The bytes of one band's contributions: about half of a second-level cache.
  private static let bandByteCount = 1 << 20

  init?(_ problem: ConvolutionProblem, on device: ComputeDevice) {
    guard problem.direction == .transposed else { return nil }
    self.problem = problem
    matrix = PanelMatrix(
      rowOffsets: (0..<problem.groupInputs).map { $0 * problem.groupOutputs * problem.taps },
      columnOffsets: (0..<problem.taps).flatMap { tap in (0..<problem.groupOutputs).map { $0 * problem.taps + tap } },
      on: device)
    let rowBytes = ElementType.float32.byteCount(of: problem.input.width * matrix.n)
    let inputRows = max(1, TransposedScatter.bandByteCount / max(1, rowBytes))
    bands = EvenPieces(
      problem.output.height, largest: max(1, inputRows * problem.geometry.stride.height),
      atLeast: 2 * device.workers.threadCount)
  }

  var work: WorkEstimate {
    var work = WorkEstimate()
    let pixels = Double(problem.batch * problem.inputPixels * problem.geometry.groups)
    work.panelMacs = pixels * Double(matrix.count)
    work.panelResults = pixels * Double(matrix.count / matrix.k)
    work.vectorOperations = pixels * Double(matrix.n)
    work.bytesMoved = ElementType.float32.byteCount(of: 3 * pixels * Double(matrix.n))
    work.weightBytes = Double(tileCount * packedByteCount)
    return work
  }

  var packedFormat: PackedFormat { float32Format("input-major", panels: matrix.layout) }
  var packedCount: Int { problem.geometry.groups * matrix.count }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool) {
    for group in 0..<problem.geometry.groups {
      matrix.pack(
        weights + group * matrix.k * matrix.n, into: packed + group * matrix.count, over: workers)
    }
  }

  var tileCount: Int { problem.batch * bands.pieces }

  /// Returns the input rows that contribute to output rows `rows`.
  private func inputRows(for rows: Range<Int>) -> Range<Int> {
    let geometry = problem.geometry
    let stride = geometry.stride.height
    let earliest = rows.lowerBound + geometry.padding.top - (geometry.effectiveKernel.height - 1)
    let latest = rows.upperBound - 1 + geometry.padding.top
    let first = max(0, earliest <= 0 ? 0 : (earliest + stride - 1) / stride)
    let last = latest < 0 ? 0 : min(problem.input.height, latest / stride + 1)
    return first..<max(first, last)
  }

  var tileScratchCount: Int {
    let most = (0..<bands.pieces).reduce(0) { max($0, inputRows(for: bands[$1]).count) }
    return most * problem.input.width * matrix.n
  }

  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let (image, piece) = tile.quotientAndRemainder(dividingBy: bands.pieces)
    let rows = bands[piece]
    let inputRows = inputRows(for: rows)
    let geometry = problem.geometry
    let outputs = problem.groupOutputs
    let width = problem.input.width
    let first = (image * problem.output.height + rows.lowerBound) * problem.output.width
    let y = run.result.row(first)
    let pixels = rows.count * problem.output.width
    if !run.accumulates {
      for pixel in 0..<pixels { (y + pixel * run.result.stride).update(repeating: 0, count: problem.outputChannels) }
    }
    for group in 0..<geometry.groups {
      run.kernels.panelProduct(
        PanelOperands(
          rows: .strided(
            run.x + (image * problem.inputPixels + inputRows.lowerBound * width) * run.xStride + group * matrix.k,
            stride: run.xStride),
          rowCount: inputRows.count * width, depth: matrix.k, panels: run.weights + group * matrix.count,
          columns: matrix.n, into: Destination(scratch, stride: matrix.n)))
      for inputRow in inputRows {
        for i in 0..<geometry.kernel.height {
          let row = inputRow * geometry.stride.height - geometry.padding.top + i * geometry.dilation.height
          guard rows.contains(row) else { continue }
          for j in 0..<geometry.kernel.width {
            let shift = j * geometry.dilation.width - geometry.padding.left
            for inputColumn in 0..<width {
              let column = inputColumn * geometry.stride.width + shift
              guard column >= 0, column < problem.output.width else { continue }
              let target =
                y + ((row - rows.lowerBound) * problem.output.width + column) * run.result.stride + group * outputs
              let contribution =
                scratch + ((inputRow - inputRows.lowerBound) * width + inputColumn) * matrix.n
                + (i * geometry.kernel.width + j) * outputs
              run.kernels.combine(.add, target, pStep: 1, contribution, qStep: 1, target, count: outputs)
            }
          }
        }
      }
    }
    run.finish(pixel: first, rows: pixels, channels: problem.outputChannels)
  }
}
