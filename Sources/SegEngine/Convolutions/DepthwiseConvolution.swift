/// Depthwise convolution, each channel by itself with one or more kernels: a vector kernel along the channels, never a product.
struct DepthwiseConvolution: TiledConvolutionAlgorithm {
  let name = "depthwise"

  private let problem: ConvolutionProblem

  /// The most rows of a kernel that backends take.
  static let largestKernel = 64

  init?(_ problem: ConvolutionProblem, on backend: any Backend) {
    guard problem.direction == .forward, problem.groupInputs == 1, problem.geometry.groups > 1,
      problem.geometry.kernel.height <= DepthwiseConvolution.largestKernel
    else { return nil }
    self.problem = problem
  }

  var demand: AlgorithmDemand {
    var demand = AlgorithmDemand()
    demand.vectorOperations = Double(problem.macs)
    demand.bytesMoved = 4 * Double(problem.batch * problem.outputPixels * problem.outputChannels)
    return demand
  }

  /// `[tap, output channel]`
  let packing = "tap-major"
  var packedCount: Int { problem.taps * problem.outputChannels }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool) {
    for output in 0..<problem.outputChannels {
      for tap in 0..<problem.taps {
        packed[tap * problem.outputChannels + output] = weights[output * problem.taps + tap]
      }
    }
  }

  var tileCount: Int { problem.batch * problem.output.height }
  let tileScratchCount = 0

  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let (image, row) = tile.quotientAndRemainder(dividingBy: problem.output.height)
    run.backend.depthwise(
      problem.window(pixelStride: run.xStride), image: run.x + image * problem.inputPixels * run.xStride,
      outputRow: row, channels: problem.inputChannels, multiplier: problem.groupOutputs, weights: run.weights,
      bias: run.bias, run.residual == nil ? run.function : .identity,
      run.y + tile * problem.output.width * run.yStride, yStride: run.yStride)
    if let residual = run.residual {
      let first = tile * problem.output.width
      run.backend.affine(
        run.y + first * run.yStride, xStride: run.yStride, scale: nil, shift: nil,
        residual: residual + first * run.residualStride, residualStride: run.residualStride, run.function,
        run.y + first * run.yStride, yStride: run.yStride, rows: problem.output.width, channels: problem.outputChannels)
    }
  }
}
