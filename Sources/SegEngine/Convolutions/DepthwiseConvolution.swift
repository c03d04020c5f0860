/// Depthwise convolution, each channel by itself with one or more kernels: a vector kernel along the channels, never a product.
struct DepthwiseConvolution: ConvolutionAlgorithm {
  static let name = "depthwise"

  private let problem: ConvolutionProblem

  init?(_ problem: ConvolutionProblem, on backend: any Backend) {
    guard problem.direction == .forward, problem.groupInputs == 1, problem.geometry.groups > 1 else { return nil }
    self.problem = problem
  }

  var demand: AlgorithmDemand {
    AlgorithmDemand(
      vectorOperations: 2 * Double(problem.macs),
      bytesMoved: 4 * Double(problem.batch * problem.outputPixels * problem.outputChannels))
  }

  /// `[tap, output channel]`
  var packing: String { "tap-major" }
  var packedCount: Int { problem.taps * problem.outputChannels }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>) {
    for output in 0..<problem.outputChannels {
      for tap in 0..<problem.taps {
        packed[tap * problem.outputChannels + output] = weights[output * problem.taps + tap]
      }
    }
  }

  var tileCount: Int { problem.batch * problem.output.height }
  var scratchCount: Int { 0 }

  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let (image, row) = tile.quotientAndRemainder(dividingBy: problem.output.height)
    run.backend.depthwise(
      problem.window(pixelStride: run.xStride), image: run.x + image * problem.inputPixels * run.xStride,
      outputRow: row,
      channels: problem.inputChannels, multiplier: problem.groupOutputs, weights: run.weights, bias: run.bias,
      run.function, run.y + tile * problem.output.width * run.yStride, yStride: run.yStride)
  }
}
