/// Convolution of any geometry as one product a tile: the patches of a few hundred output pixels are gathered into rows
/// (kernelHeight · kernelWidth · channels of a group), which stay in cache, and multiplied at once. The whole matrix of patches
/// never exists.
struct TiledIm2Col: ConvolutionAlgorithm {
  static let name = "im2col"

  private let problem: ConvolutionProblem
  private let weights: TapMajorWeights
  private let tiles: EvenPieces

  /// Bytes of a tile of patches, about half of a second-level cache.
  private static let tileByteCount = 1 << 20

  init?(_ problem: ConvolutionProblem, on backend: any Backend) {
    guard problem.direction == .forward else { return nil }
    self.problem = problem
    weights = TapMajorWeights(problem, on: backend)
    let fitting = TiledIm2Col.tileByteCount / (4 * weights.product.k)
    // A product that copies its operands needs some hundred rows to be worth copying the weights for.
    let largest = weights.product.isCut ? max(32, min(240, fitting)) : 512
    tiles = EvenPieces(
      problem.outputPixels, largest: largest, atLeast: min(4 * backend.workers.threadCount, problem.outputPixels / 128),
      multipleOf: 16)
  }

  var demand: AlgorithmDemand {
    let patches = Double(problem.batch * problem.outputPixels * problem.taps * problem.inputChannels)
    return AlgorithmDemand(
      productMacs: Double(problem.macs), productEfficiency: weights.product.isCut ? 1.05 : 0.97,
      bytesMoved: 4 * patches * 0.35)
  }

  var packing: String { weights.packing }
  var packedCount: Int { weights.packedCount }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>) {
    self.weights.pack(weights, into: packed)
  }

  var tileCount: Int { problem.batch * tiles.pieces }
  var scratchCount: Int { tiles.size * weights.product.k }

  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let (image, piece) = tile.quotientAndRemainder(dividingBy: tiles.pieces)
    let pixels = tiles[piece]
    let x = run.x + image * problem.inputPixels * run.xStride
    let y = run.y + (image * problem.outputPixels + pixels.lowerBound) * run.yStride
    let window = problem.window(pixelStride: run.xStride)
    for group in 0..<problem.geometry.groups {
      run.backend.gatherPatches(
        window, image: x + group * problem.groupInputs, first: pixels.lowerBound, count: pixels.count,
        channels: problem.groupInputs, scratch)
      weights.product.multiply(
        on: run.backend, m: pixels.count, scratch, weights.product.k, run.weights + group * weights.product.count,
        depth: weights.product.k, adding: false, y + group * problem.groupOutputs, run.yStride)
    }
    run.finish(y, rows: pixels.count, firstChannel: 0, channels: problem.outputChannels)
  }
}
