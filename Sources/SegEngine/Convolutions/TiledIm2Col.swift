/// Convolution of any geometry by im2col: the patches of a few hundred output pixels are gathered as rows (kernelHeight · kernelWidth ·
/// channels of a group), which stay in cache, and multiplied by the backend's general product. The whole matrix of patches is never stored.
/// For a 1×1 convolution of stride 1 the map itself is that matrix.
struct TiledIm2Col: TiledConvolutionAlgorithm {
  static let method = ConvolutionMethod("im2col", .general) { TiledIm2Col($0, on: $1) }
  var method: ConvolutionMethod { TiledIm2Col.method }

  private let problem: ConvolutionProblem
  private let tiles: EvenPieces

  /// The most bytes of a tile of patches: they stay in a shared cache.
  private static let tileByteCount = 1 << 22

  init?(_ problem: ConvolutionProblem, on device: ComputeDevice) {
    guard problem.direction == .forward else { return nil }
    self.problem = problem
    // The product copies its operands. It needs some hundred rows for the copy of the weights to pay off.
    let fitting = TiledIm2Col.tileByteCount / ElementType.float32.byteCount(of: problem.taps * problem.groupInputs)
    tiles = EvenPieces(
      problem.outputPixels, largest: max(256, min(1024, fitting)),
      atLeast: min(2 * device.workers.threadCount, problem.outputPixels / 128), multipleOf: 16)
  }

  private var depth: Int { problem.taps * problem.groupInputs }

  var work: WorkEstimate {
    var work = WorkEstimate()
    work.gemmMacs = Double(problem.macs)
    let results = Double(problem.batch * problem.outputPixels * problem.outputChannels)
    let patches = Double(problem.batch * problem.outputPixels * problem.taps * problem.inputChannels)
    // A product copies its left operand once, and its right operand once per tile. The epilogue passes over the result again.
    let weights = Double(tileCount * depth * problem.outputChannels)
    work.bytesMoved = ElementType.float32.byteCount(
      of: (problem.geometry.isPointwise ? 1 : 3) * patches + 3 * results + 2 * weights)
    return work
  }

  /// One matrix B per group: rows are (tap, input channel of the group), columns the group's output channels.
  var packedFormat: PackedFormat { float32Format("tap-major") }
  var packedCount: Int { problem.outputChannels * depth }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool) {
    problem.packTapMajor(weights, into: packed, over: workers)
  }

  var tileCount: Int { problem.batch * tiles.pieces }
  var tileScratchCount: Int { problem.geometry.isPointwise ? 0 : tiles.size * depth }

  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let (image, piece) = tile.quotientAndRemainder(dividingBy: tiles.pieces)
    let pixels = tiles[piece]
    let x = run.x + image * problem.inputPixels * run.xStride
    let first = image * problem.outputPixels + pixels.lowerBound
    let window = problem.window(pixelStride: run.xStride)
    for group in 0..<problem.geometry.groups {
      let inputs = x + group * problem.groupInputs
      var rows = (UnsafePointer(scratch), depth)
      if problem.geometry.isPointwise {
        rows = (inputs + pixels.lowerBound * run.xStride, run.xStride)
      } else {
        run.kernels.gatherPatches(
          window, image: inputs, first: pixels.lowerBound, count: pixels.count, channels: problem.groupInputs, scratch)
      }
      run.device.backend.gemm(
        transposeA: false, transposeB: false, m: pixels.count, n: problem.groupOutputs, k: depth, alpha: 1, rows.0,
        rows.1, run.weights + group * depth * problem.groupOutputs, problem.groupOutputs, beta: 0,
        run.result.row(first) + group * problem.groupOutputs, run.result.stride)
    }
    run.finish(pixel: first, rows: pixels.count, channels: problem.outputChannels)
  }
}
