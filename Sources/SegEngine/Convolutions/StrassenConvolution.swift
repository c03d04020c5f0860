/// 1×1 convolution of stride 1, or a linear layer, by Strassen's algorithm with an eighth fewer multiply–adds; see ``StrassenProduct``.
struct StrassenConvolution: TiledConvolutionAlgorithm {
  static let method = ConvolutionMethod("strassen", .pointwise, dividesChannels: true) {
    StrassenConvolution($0, on: $1)
  }
  var method: ConvolutionMethod { StrassenConvolution.method }

  private let problem: ConvolutionProblem
  private let product: StrassenProduct
  /// The pixels of a tile.
  private let tiles: EvenPieces
  /// The output channels of a tile in the left half; the right half has the corresponding ones.
  private let columns: EvenPieces

  /// The approximate multiply–adds of a tile: half a millisecond.
  private static let tileMacs = 48 << 20
  /// The most bytes of a tile's sums, which its products read from a core's own cache.
  private static let sumBytes = 640 << 10
  /// The fewest pixels of a tile.
  static let leastPixels = 48

  init?(_ problem: ConvolutionProblem, on device: ComputeDevice) {
    let (k, n) = (problem.inputChannels, problem.outputChannels)
    let pixels = problem.batch * problem.outputPixels
    guard problem.direction == .forward, problem.geometry.isPointwise, problem.geometry.groups == 1,
      pixels >= StrassenConvolution.leastPixels,
      let product = StrassenProduct(k: k, n: n, layout: device.kernels.panelLayout)
    else { return nil }
    self.problem = problem
    self.product = product
    let threads = device.workers.threadCount
    tiles = EvenPieces(
      pixels, largest: StrassenConvolution.tilePixels(k: k, n: n),
      atLeast: threads == 1 ? 1 : min(4 * threads, pixels / StrassenConvolution.leastPixels), multipleOf: 12)
    // If even the fewest pixels are much work, tiles are divided by channels too: otherwise threads would wait long for the last tile.
    columns = EvenPieces(
      n / 2, largest: n / 2, atLeast: threads == 1 ? 1 : tiles.size * k * n / StrassenConvolution.tileMacs,
      multipleOf: device.kernels.panelLayout.width)
  }

  /// Computes the most pixels of a tile.
  static func tilePixels(k: Int, n: Int) -> Int { max(leastPixels, min(tileMacs / (k * n), sumBytes / (5 * k))) }

  var work: WorkEstimate {
    StrassenConvolution.work(
      product, rows: problem.batch * problem.outputPixels, tiles: tiles.pieces, sums: columns.pieces)
  }

  /// Computes the work of `count` products of some rows, whose sums of rows are computed `sums` times.
  static func work(
    _ product: StrassenProduct, rows: Int, tiles: Int, sums: Int = 1, times count: Int = 1
  ) -> WorkEstimate {
    var work = WorkEstimate()
    let rows = Double(rows * count)
    let (inputs, outputs) = (Double(product.k), Double(product.n))
    let summed = inputs * Double(sums)
    work.panelMacs = rows * inputs * outputs * 7 / 8
    work.panelResults = rows * outputs * 7 / 4
    // Five sums of two quarters for four inputs, and eight additions for four outputs.
    work.vectorOperations = rows * (summed * 5 / 4 + outputs * 2)
    work.bytesMoved = ElementType.float32.byteCount(of: rows * (summed * 5 / 4 + outputs * 7 / 4))
    work.weightBytes = ElementType.float32.byteCount(of: Double(tiles * count * product.packedCount))
    return work
  }

  var packedFormat: PackedFormat { float32Format("quarters", panels: product.layout) }
  var packedCount: Int { product.packedCount }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool) {
    product.pack(
      weights, rowStride: problem.weights.input, columnStride: problem.weights.output, into: packed, over: workers)
  }

  var tileCount: Int { tiles.pieces * columns.pieces }
  var tileScratchCount: Int { product.scratchCount(rows: tiles.size) }

  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    // Tiles of the same channels are neighbours: with several channel ranges, weights are large, and a thread reuses its own range of them.
    let (column, row) = tile.quotientAndRemainder(dividingBy: tiles.pieces)
    let pixels = tiles[row]
    product.run(
      run.x + pixels.lowerBound * run.xStride, xStride: run.xStride, rows: pixels.count, packed: run.weights,
      columns: columns[column],
      epilogue: run.epilogue.part(row: pixels.lowerBound), into: run.result.part(row: pixels.lowerBound),
      on: run.device, scratch: scratch)
  }
}
