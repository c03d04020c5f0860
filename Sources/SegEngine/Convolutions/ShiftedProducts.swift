/// Convolution of any geometry without gathering: each tap is a product on the image as it lies.
///
/// For one tap, the pixels that a run of outputs in a row reads are themselves in a row, at a constant distance (the stride), so
/// they are a matrix with that leading dimension. The products of all taps are added up in the output, which stays in cache.
/// Taps that fall on padding are left out of the product, so padding costs nothing. Worth it where small products run without
/// copying their operands (``PanelProduct``); otherwise each of them would copy the weights again.
struct ShiftedProducts: ConvolutionAlgorithm {
  static let name = "shifted products"

  private let problem: ConvolutionProblem
  private let weights: TapMajorWeights
  private let segments: EvenPieces

  init?(_ problem: ConvolutionProblem, on backend: any Backend) {
    guard problem.direction == .forward else { return nil }
    weights = TapMajorWeights(problem, on: backend)
    guard weights.product.isCut else { return nil }
    self.problem = problem
    segments = EvenPieces(
      problem.output.width, largest: min(256, weights.product.blockRows(depth: problem.groupInputs)), multipleOf: 16)
  }

  var demand: AlgorithmDemand {
    // Measured on one core: products of fewer than 16 input channels or output pixels, or 64 columns, lose their rate.
    let depth = min(1, Double(problem.groupInputs) / 24)
    let rows = min(1, Double(segments.size) / 16)
    let columns = min(1, 0.6 + 0.4 * Double(problem.groupOutputs) / 64)
    let reach = weights.product.k * weights.product.n > 1 << 18 ? 0.97 : 1.1
    return AlgorithmDemand(
      productMacs: Double(problem.macs), productEfficiency: reach * depth * rows * columns,
      bytesMoved: 4 * Double(problem.batch * problem.outputPixels * problem.outputChannels))
  }

  var packing: String { weights.packing }
  var packedCount: Int { weights.packedCount }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>) {
    self.weights.pack(weights, into: packed)
  }

  var tileCount: Int { problem.batch * problem.output.height * segments.pieces }
  var scratchCount: Int { 0 }

  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let (line, piece) = tile.quotientAndRemainder(dividingBy: segments.pieces)
    let (image, row) = line.quotientAndRemainder(dividingBy: problem.output.height)
    let columns = segments[piece]
    let geometry = problem.geometry
    let product = weights.product
    let y = run.y + (line * problem.output.width + columns.lowerBound) * run.yStride
    run.start(y, rows: columns.count, firstChannel: 0, channels: problem.outputChannels)
    for group in 0..<geometry.groups {
      let x = run.x + image * problem.inputPixels * run.xStride + group * problem.groupInputs
      let panels = run.weights + group * product.count
      for panel in stride(from: 0, to: product.n, by: product.width) {
        for i in 0..<geometry.kernel.height {
          let inputRow = row * geometry.stride.height - geometry.padding.top + i * geometry.dilation.height
          guard inputRow >= 0, inputRow < problem.input.height else { continue }
          for j in 0..<geometry.kernel.width {
            // Output columns whose input column, column · stride + shift, lies in the image.
            let shift = j * geometry.dilation.width - geometry.padding.left
            let stride = geometry.stride.width
            let first = max(columns.lowerBound, shift < 0 ? (-shift + stride - 1) / stride : 0)
            let reach = problem.input.width - 1 - shift
            let last = min(columns.upperBound, reach < 0 ? 0 : reach / stride + 1)
            guard first < last else { continue }
            product.multiply(
              on: run.backend, m: last - first,
              x + (inputRow * problem.input.width + first * stride + shift) * run.xStride, stride * run.xStride, panels,
              column: panel, firstRow: (i * geometry.kernel.width + j) * problem.groupInputs,
              depth: problem.groupInputs,
              adding: true, y + (first - columns.lowerBound) * run.yStride + group * problem.groupOutputs, run.yStride)
          }
        }
      }
    }
    if run.function != .identity {
      run.backend.affine(
        y, xStride: run.yStride, scale: nil, shift: nil, residual: nil, residualStride: 0, run.function, y,
        yStride: run.yStride, rows: columns.count, channels: problem.outputChannels)
    }
  }
}
