/// 1×1 convolution of stride 1: the product itself, on the feature map as it lies, tile by tile so that a tile's bias and
/// activation find it in cache.
struct PointwiseConvolution: ConvolutionAlgorithm {
  static let name = "pointwise"

  private let problem: ConvolutionProblem
  private let product: PanelProduct
  private let tiles: EvenPieces

  init?(_ problem: ConvolutionProblem, on backend: any Backend) {
    guard problem.direction == .forward, problem.geometry.isPointwise, problem.geometry.groups == 1 else { return nil }
    self.problem = problem
    product = PanelProduct(k: problem.inputChannels, n: problem.outputChannels, on: backend)
    // A few hundred pixels: enough for the product, few enough to stay in cache for what follows it.
    let largest = product.isCut ? 240 : max(128, min(512, (1 << 18) / max(1, problem.inputChannels)))
    tiles = EvenPieces(
      problem.batch * problem.outputPixels, largest: largest, atLeast: 4 * backend.workers.threadCount, multipleOf: 16)
  }

  var demand: AlgorithmDemand {
    AlgorithmDemand(productMacs: Double(problem.macs), productEfficiency: product.isCut ? 1.05 : 0.9)
  }

  var packing: String { product.layoutName }
  var packedCount: Int { product.count }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>) {
    for o in 0..<product.n {
      for i in 0..<product.k { packed[product.offset(row: i, column: o)] = weights[o * product.k + i] }
    }
  }

  var tileCount: Int { tiles.pieces }
  var scratchCount: Int { 0 }

  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let pixels = tiles[tile]
    let y = run.y + pixels.lowerBound * run.yStride
    product.multiply(
      on: run.backend, m: pixels.count, run.x + pixels.lowerBound * run.xStride, run.xStride, run.weights,
      depth: product.k, adding: false, y, run.yStride)
    run.finish(y, rows: pixels.count, firstChannel: 0, channels: product.n)
  }
}
