/// 1×1 convolution of stride 1 by Strassen's product, an eighth fewer multiply–adds; see ``StrassenProduct``.
struct StrassenConvolution: TiledConvolutionAlgorithm {
  let name = "strassen"

  private let problem: ConvolutionProblem
  private let product: StrassenProduct
  /// Pixels of a tile.
  private let tiles: EvenPieces

  /// Multiply–adds of a tile, about: half a millisecond.
  private static let tileMacs = 48 << 20
  /// Bytes of the sums of a tile, which its products read from a core's own cache.
  private static let sumBytes = 640 << 10
  /// Fewest pixels of a tile.
  private static let leastPixels = 48

  init?(_ problem: ConvolutionProblem, on backend: any Backend) {
    let (k, n) = (problem.inputChannels, problem.outputChannels)
    let pixels = problem.batch * problem.outputPixels
    guard problem.direction == .forward, problem.geometry.isPointwise, problem.geometry.groups == 1,
      pixels >= StrassenConvolution.leastPixels, let product = StrassenProduct(k: k, n: n, layout: backend.panelLayout)
    else { return nil }
    self.problem = problem
    self.product = product
    let threads = backend.workers.threadCount
    let largest = min(StrassenConvolution.tileMacs / (k * n), StrassenConvolution.sumBytes / (5 * k))
    tiles = EvenPieces(
      pixels, largest: max(StrassenConvolution.leastPixels, largest),
      atLeast: threads == 1 ? 1 : min(4 * threads, pixels / StrassenConvolution.leastPixels), multipleOf: 12)
  }

  var demand: AlgorithmDemand {
    var demand = AlgorithmDemand()
    let pixels = Double(problem.batch * problem.outputPixels)
    let (inputs, outputs) = (Double(problem.inputChannels), Double(problem.outputChannels))
    demand.panelMacs = pixels * inputs * outputs * 7 / 8
    demand.panelResults = pixels * outputs * 7 / 4
    // Five sums of two for four inputs, eight additions for four outputs.
    demand.vectorOperations = pixels * (inputs * 5 / 4 + outputs * 2)
    demand.bytesMoved = 4 * pixels * (inputs * 5 / 4 + outputs * 7 / 4)
    demand.weightBytes = 4 * Double(tiles.pieces * product.packedCount)
    return demand
  }

  var packing: String { product.layoutName }
  var packedCount: Int { product.packedCount }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool) {
    product.pack(weights, rowStride: 1, columnStride: problem.inputChannels, into: packed, over: workers)
  }

  var tileCount: Int { tiles.pieces }
  var tileScratchCount: Int { product.scratchCount(rows: tiles.size) }

  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let pixels = tiles[tile]
    product.run(
      run.x + pixels.lowerBound * run.xStride, xStride: run.xStride, rows: pixels.count, packed: run.weights,
      into: StrassenResult(
        bias: run.bias, residual: run.residual.map { $0 + pixels.lowerBound * run.residualStride },
        residualStride: run.residualStride, function: run.function, y: run.y + pixels.lowerBound * run.yStride,
        yStride: run.yStride),
      on: run.backend, scratch: scratch)
  }
}
