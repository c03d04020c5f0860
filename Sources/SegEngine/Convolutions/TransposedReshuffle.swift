/// Transposed convolution whose kernel is its stride: every output comes from one input, so the product of a row of inputs with
/// the taps of one kernel row is a row of outputs as it lies.
struct TransposedReshuffle: TiledConvolutionAlgorithm {
  let name = "transposed reshuffle"

  private let problem: ConvolutionProblem
  /// The weights of one tap.
  private let matrix: PanelMatrix

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

  var tileCount: Int { problem.batch * problem.input.height }
  let tileScratchCount = 0

  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let kernel = problem.geometry.kernel
    let x = run.x + tile * problem.input.width * run.xStride
    for i in 0..<kernel.height {
      let y = run.y + (tile * kernel.height + i) * problem.output.width * run.yStride
      for j in 0..<kernel.width {
        run.backend.panelProduct(
          PanelOperands(
            rows: .strided(x, stride: run.xStride), rowCount: problem.input.width, depth: matrix.k,
            panels: run.weights + (i * kernel.width + j) * matrix.count, columns: matrix.n, bias: run.bias,
            function: run.function, y: y + j * run.yStride, yStride: kernel.width * run.yStride))
      }
    }
  }
}
