/// Transposed convolution whose kernel is its stride: every output comes from one input, so the product of a row of inputs with
/// the taps of one kernel row is a row of outputs as it lies.
struct TransposedReshuffle: TiledConvolutionAlgorithm {
  let name = "transposed reshuffle"

  private let problem: ConvolutionProblem
  /// The weights of one tap.
  private let matrix: PanelMatrix
  /// Rows of inputs.
  private let bands: EvenPieces

  init?(_ problem: ConvolutionProblem, on backend: any Backend) {
    let geometry = problem.geometry
    guard problem.direction == .transposed, geometry.kernel == geometry.stride, geometry.dilation == 1,
      geometry.padding == 0, geometry.groups == 1,
      problem.output
        == Extent2D(
          problem.input.height * geometry.stride.height, problem.input.width * geometry.stride.width)
    else { return nil }
    self.problem = problem
    matrix = PanelMatrix(
      rowOffsets: (0..<problem.inputChannels).map { $0 * problem.outputChannels * problem.taps },
      columnOffsets: (0..<problem.outputChannels).map { $0 * problem.taps }, on: backend)
    bands = EvenPieces(
      problem.batch * problem.input.height, largest: max(1, 256 / problem.input.width),
      atLeast: backend.workers.threadCount == 1 ? 1 : 4 * backend.workers.threadCount)
  }

  var demand: AlgorithmDemand {
    var demand = AlgorithmDemand()
    let products = Double(problem.batch * problem.inputPixels * problem.taps)
    demand.panelMacs = products * Double(matrix.count)
    demand.panelResults = products * Double(matrix.count / matrix.k)
    demand.weightBytes = 4 * Double(tileCount * problem.taps * matrix.count)
    return demand
  }

  /// A matrix `[in, out]` a tap.
  var packing: String { "tap/" + matrix.layoutName }
  var packedCount: Int { problem.taps * matrix.count }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool) {
    for tap in 0..<problem.taps { matrix.pack(weights + tap, into: packed + tap * matrix.count, over: workers) }
  }

  var tileCount: Int { bands.pieces }
  let tileScratchCount = 0

  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let kernel = problem.geometry.kernel
    let (rows, width) = (bands[tile], problem.input.width)
    // A residual is added to whole rows of outputs.
    let function = run.residual == nil ? run.function : .identity
    let x = run.x + rows.lowerBound * width * run.xStride
    let y = run.y + rows.lowerBound * kernel.height * problem.output.width * run.yStride
    for i in 0..<kernel.height {
      for j in 0..<kernel.width {
        // A row of inputs gives every kernel.width-th pixel of every kernel.height-th row of outputs.
        var product = PanelOperands(
          rows: .strided(x, stride: run.xStride), rowCount: rows.count * width, depth: matrix.k,
          panels: run.weights + (i * kernel.width + j) * matrix.count, columns: matrix.n, bias: run.bias,
          function: function, y: y + (i * problem.output.width + j) * run.yStride,
          yStride: kernel.width * run.yStride)
        product.yGroup = (width, kernel.height * problem.output.width * run.yStride)
        run.backend.panelProduct(product)
      }
    }
    guard let residual = run.residual else { return }
    let pixel = rows.lowerBound * kernel.height * problem.output.width
    run.backend.affine(
      y, xStride: run.yStride, scale: nil, shift: nil, residual: residual + pixel * run.residualStride,
      residualStride: run.residualStride, run.function, y, yStride: run.yStride,
      rows: rows.count * kernel.height * problem.output.width, channels: problem.outputChannels)
  }
}
