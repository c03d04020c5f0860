/// An algorithm that computes independent tiles of the output.
protocol TiledConvolutionAlgorithm: ConvolutionAlgorithm {
  /// The number of tiles.
  var tileCount: Int { get }

  /// Scratch memory of one worker in floats.
  var tileScratchCount: Int { get }

  /// Computes a tile of the output, with bias, residual and activation function.
  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>)
}

extension TiledConvolutionAlgorithm {
  private var alignedScratchCount: Int { (tileScratchCount + 15) / 16 * 16 }

  func scratchCount(threads: Int) -> Int { threads * alignedScratchCount }

  func run(_ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let perWorker = alignedScratchCount
    run.workers.forEach(tileCount) { tile, worker in runTile(tile, run, scratch: scratch + worker * perWorker) }
  }
}
