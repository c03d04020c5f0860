/// Transposed convolution of any geometry: a product gives what each input contributes to each tap, and the contributions are
/// added where they fall. Runs over bands of output rows; a band multiplies just the input rows that reach it, so bands do not
/// write each other's rows.
struct TransposedScatter: ConvolutionAlgorithm {
  static let name = "transposed scatter"

  private let problem: ConvolutionProblem
  private let product: PanelProduct
  private let bands: EvenPieces

  /// Bytes of one band's contributions, about half of a second-level cache.
  private static let bandByteCount = 1 << 20

  init?(_ problem: ConvolutionProblem, on backend: any Backend) {
    guard problem.direction == .transposed else { return nil }
    self.problem = problem
    product = PanelProduct(k: problem.groupInputs, n: problem.taps * problem.groupOutputs, on: backend)
    let rowBytes = 4 * problem.input.width * product.n
    let inputRows = max(1, TransposedScatter.bandByteCount / max(1, rowBytes))
    bands = EvenPieces(
      problem.output.height, largest: max(1, inputRows * problem.geometry.stride.height),
      atLeast: 2 * backend.workers.threadCount)
  }

  var demand: AlgorithmDemand {
    let contributions = Double(problem.batch * problem.inputPixels * problem.taps * problem.outputChannels)
    return AlgorithmDemand(
      productMacs: Double(problem.macs), productEfficiency: product.isCut ? 1.05 : 0.9, vectorOperations: contributions,
      bytesMoved: 4 * contributions)
  }

  /// One B of `[in, (tap, out)]` a group.
  var packing: String { "input-major/" + product.layoutName }
  var packedCount: Int { problem.geometry.groups * product.count }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>) {
    let outputs = problem.groupOutputs
    for group in 0..<problem.geometry.groups {
      for input in 0..<product.k {
        for output in 0..<outputs {
          for tap in 0..<problem.taps {
            packed[group * product.count + product.offset(row: input, column: tap * outputs + output)] =
              weights[((group * product.k + input) * outputs + output) * problem.taps + tap]
          }
        }
      }
    }
  }

  var tileCount: Int { problem.batch * bands.pieces }

  /// The input rows that reach output rows `rows`.
  private func inputRows(for rows: Range<Int>) -> Range<Int> {
    let geometry = problem.geometry
    let stride = geometry.stride.height
    let earliest = rows.lowerBound + geometry.padding.top - (geometry.effectiveKernel.height - 1)
    let latest = rows.upperBound - 1 + geometry.padding.top
    let first = max(0, earliest <= 0 ? 0 : (earliest + stride - 1) / stride)
    let last = latest < 0 ? 0 : min(problem.input.height, latest / stride + 1)
    return first..<max(first, last)
  }

  var scratchCount: Int {
    let most = (0..<bands.pieces).map { inputRows(for: bands[$0]).count }.max() ?? 0
    return most * problem.input.width * product.n
  }

  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let (image, piece) = tile.quotientAndRemainder(dividingBy: bands.pieces)
    let rows = bands[piece]
    let inputRows = inputRows(for: rows)
    let geometry = problem.geometry
    let outputs = problem.groupOutputs
    let width = problem.input.width
    let y = run.y + (image * problem.output.height + rows.lowerBound) * problem.output.width * run.yStride
    let pixels = rows.count * problem.output.width
    run.start(y, rows: pixels, firstChannel: 0, channels: problem.outputChannels)
    for group in 0..<geometry.groups {
      product.multiply(
        on: run.backend, m: inputRows.count * width,
        run.x + (image * problem.inputPixels + inputRows.lowerBound * width) * run.xStride + group * product.k,
        run.xStride, run.weights + group * product.count, depth: product.k, adding: false, scratch, product.n)
      for inputRow in inputRows {
        for i in 0..<geometry.kernel.height {
          let row = inputRow * geometry.stride.height - geometry.padding.top + i * geometry.dilation.height
          guard rows.contains(row) else { continue }
          for j in 0..<geometry.kernel.width {
            let shift = j * geometry.dilation.width - geometry.padding.left
            for inputColumn in 0..<width {
              let column = inputColumn * geometry.stride.width + shift
              guard column >= 0, column < problem.output.width else { continue }
              let target =
                y + ((row - rows.lowerBound) * problem.output.width + column) * run.yStride + group * outputs
              let contribution =
                scratch + ((inputRow - inputRows.lowerBound) * width + inputColumn) * product.n
                + (i * geometry.kernel.width + j) * outputs
              run.backend.combine(.add, target, pStep: 1, contribution, qStep: 1, target, count: outputs)
            }
          }
        }
      }
    }
    if run.function != .identity {
      run.backend.affine(
        y, xStride: run.yStride, scale: nil, shift: nil, residual: nil, residualStride: 0, run.function, y,
        yStride: run.yStride, rows: pixels, channels: problem.outputChannels)
    }
  }
}
