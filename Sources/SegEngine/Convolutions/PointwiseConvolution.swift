/// 1×1 convolution of stride 1: a product on the feature map in place, in tiles of pixels that stay in cache while the weights' panels are
/// read.
struct PointwiseConvolution: TiledConvolutionAlgorithm {
  static let method = ConvolutionMethod("pointwise", .pointwise, isFrequent: true) { PointwiseConvolution($0, on: $1) }
  var method: ConvolutionMethod { PointwiseConvolution.method }

  private let problem: ConvolutionProblem
  private let matrix: PanelMatrix
  private let tiles: PanelTiles

  init?(_ problem: ConvolutionProblem, on device: ComputeDevice) {
    guard problem.direction == .forward, problem.geometry.isPointwise, problem.geometry.groups == 1 else { return nil }
    self.problem = problem
    matrix = problem.tapMajorMatrix(on: device)
    tiles = PanelTiles(
      rows: problem.batch * problem.outputPixels, matrix, threads: device.workers.threadCount)
  }

  var work: WorkEstimate {
    var work = WorkEstimate()
    work.panelMacs = Double(problem.batch * problem.outputPixels * matrix.count)
    work.panelResults = Double(problem.batch * problem.outputPixels * (matrix.count / matrix.k))
    work.weightBytes = Double(tiles.rowPieces * packedByteCount)
    return work
  }

  var packedFormat: PackedFormat { float32Format("matrix", panels: matrix.layout) }
  var packedCount: Int { matrix.count }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool) {
    matrix.pack(weights, into: packed, over: workers)
  }

  var tileCount: Int { tiles.count }
  let tileScratchCount = 0

  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let (pixels, channels) = tiles[tile]
    run.product(
      .strided(run.x + pixels.lowerBound * run.xStride, stride: run.xStride), pixel: pixels.lowerBound,
      count: pixels.count, depth: matrix.k,
      panels: run.weights + matrix.layout.offset(ofPanelAt: channels.lowerBound, k: matrix.k),
      firstChannel: channels.lowerBound, channels: channels.count)
  }
}
