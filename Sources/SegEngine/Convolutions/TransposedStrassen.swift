/// Transposed convolution whose kernel equals its stride, as ``TransposedReshuffle``, with each tap's product by Strassen's algorithm; see
/// ``StrassenProduct``.
struct TransposedStrassen: TiledConvolutionAlgorithm {
  static let method = ConvolutionMethod("transposed strassen", .transposedBlocks, dividesChannels: true) {
    TransposedStrassen($0, on: $1)
  }
  var method: ConvolutionMethod { TransposedStrassen.method }

  private let problem: ConvolutionProblem
  /// The product of one tap.
  private let product: StrassenProduct
  /// The ranges of input rows.
  private let bands: EvenPieces

  init?(_ problem: ConvolutionProblem, on device: ComputeDevice) {
    let (k, n, width) = (problem.inputChannels, problem.outputChannels, problem.input.width)
    let pixels = problem.batch * problem.inputPixels
    guard problem.spreadsPixels, pixels >= StrassenConvolution.leastPixels,
      let product = StrassenProduct(k: k, n: n, layout: device.kernels.panelLayout)
    else { return nil }
    self.problem = problem
    self.product = product
    let threads = device.workers.threadCount
    // Each band reads the weights of all taps. A product has at least two pixels.
    bands = EvenPieces(
      problem.batch * problem.input.height,
      largest: max(2, StrassenConvolution.tilePixels(k: k, n: n) / width),
      atLeast: threads == 1 ? 1 : min(2 * threads, pixels / StrassenConvolution.leastPixels),
      multipleOf: width == 1 ? 2 : 1)
    guard (0..<bands.pieces).allSatisfy({ bands[$0].count * width > 1 }) else { return nil }
  }

  var work: WorkEstimate {
    StrassenConvolution.work(
      product, rows: problem.batch * problem.inputPixels, tiles: bands.pieces,
      times: problem.taps)
  }

  var packedFormat: PackedFormat { float32Format("tap", panels: product.layout) }
  var packedCount: Int { problem.taps * product.packedCount }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool) {
    for tap in 0..<problem.taps {
      product.pack(
        weights + tap, rowStride: problem.outputChannels * problem.taps, columnStride: problem.taps,
        into: packed + tap * product.packedCount, over: workers)
    }
  }

  var tileCount: Int { bands.pieces }
  var tileScratchCount: Int { product.scratchCount(rows: bands.size * problem.input.width) }

  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let (rows, width) = (bands[tile], problem.input.width)
    run.spread(problem, rows: rows) { tap, epilogue, result in
      product.run(
        run.x + rows.lowerBound * width * run.xStride, xStride: run.xStride, rows: rows.count * width,
        packed: run.weights + tap * product.packedCount, columns: 0..<product.n / 2,
        epilogue: epilogue, into: result, on: run.device, scratch: scratch)
    }
  }
}
