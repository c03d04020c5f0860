/// Transposed convolution whose kernel is its stride: every output comes from one input, so the product of a row of inputs with
/// the taps of one kernel row is a row of outputs as it lies.
struct TransposedReshuffle: ConvolutionAlgorithm {
  static let name = "transposed reshuffle"

  private let problem: ConvolutionProblem
  private let product: PanelProduct

  init?(_ problem: ConvolutionProblem, on backend: any Backend) {
    let geometry = problem.geometry
    guard problem.direction == .transposed, geometry.kernel == geometry.stride, geometry.dilation == 1,
      geometry.padding == 0, geometry.groups == 1,
      problem.output
        == Extent2D(
          problem.input.height * geometry.stride.height, problem.input.width * geometry.stride.width)
    else { return nil }
    self.problem = problem
    product = PanelProduct(
      k: problem.inputChannels, n: problem.outputChannels, on: backend)
  }

  var demand: AlgorithmDemand {
    AlgorithmDemand(
      productMacs: Double(problem.macs), productEfficiency: product.isCut ? 1 : 0.8,
      bytesMoved: 4 * Double(problem.batch * problem.outputPixels * problem.outputChannels))
  }

  /// One B of `[in, out]` a tap.
  var packing: String { "tap/" + product.layoutName }
  var packedCount: Int { problem.taps * product.count }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>) {
    for input in 0..<product.k {
      for output in 0..<product.n {
        for tap in 0..<problem.taps {
          packed[tap * product.count + product.offset(row: input, column: output)] =
            weights[(input * product.n + output) * problem.taps + tap]
        }
      }
    }
  }

  var tileCount: Int { problem.batch * problem.input.height }
  var scratchCount: Int { 0 }

  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let kernel = problem.geometry.kernel
    let x = run.x + tile * problem.input.width * run.xStride
    for i in 0..<kernel.height {
      let y = run.y + (tile * kernel.height + i) * problem.output.width * run.yStride
      for j in 0..<kernel.width {
        product.multiply(
          on: run.backend, m: problem.input.width, x, run.xStride,
          run.weights + (i * kernel.width + j) * product.count, depth: product.k, adding: false, y + j * run.yStride,
          kernel.width * run.yStride)
      }
      run.finish(y, rows: problem.output.width, firstChannel: 0, channels: product.n)
    }
  }
}
