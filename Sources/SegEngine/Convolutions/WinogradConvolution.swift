/// 3×3 convolution of stride 1 by Winograd's filtering: tiles of the map are transformed, multiplied by transformed weights with one
/// product for each of the n · n evaluation points, and transformed back; see ``WinogradFiltering``.
///
/// An atrous convolution of rate r is r² ordinary ones on the pixels i mod r, j mod r, so its tiles take every r-th pixel. Any size and
/// padding: what a tile reaches beyond the image is zero, and outputs beyond the edges are not written.
///
/// Where the transformed weights fit a cache, each thread finishes a few tiles at a time, which stay in its own cache. Where they do
/// not, all threads transform many tiles, then share out the products, so that each point's weights come from memory once for all
/// those tiles, then transform back.
///
/// Held to 1e-4 of the largest output against Double sums; F(6 × 6) has about three times the error of F(2 × 2).
struct WinogradConvolution: ConvolutionAlgorithm {
  let name: String

  private let problem: ConvolutionProblem
  private let filtering: WinogradFiltering
  /// The weights of one point.
  private let matrix: PanelMatrix
  /// Tiles along both axes of the pixels of one phase.
  private let grid: Extent2D
  /// Phases along both axes: the dilation, or the output's size where that is smaller.
  private let phases: Extent2D
  private let sharesPoints: Bool
  private let blocks: EvenPieces
  /// The tiles in memory, for contiguous maps.
  private let tiling: WinogradTiling

  /// Bytes of transformed weights above which products are shared out by points.
  private static let cachedWeightBytes = 6 << 20
  /// Bytes of a block's planes that stay in a second-level cache, or nearly.
  private static let ownBlockBytes = 768 << 10
  /// Bytes of a block's planes where all threads work at one block.
  private static let sharedBlockBytes = 24 << 20

  init?(_ problem: ConvolutionProblem, _ filtering: WinogradFiltering, on backend: any Backend) {
    let geometry = problem.geometry
    let width = backend.panelLayout.unit
    guard problem.direction == .forward, geometry.kernel == 3, geometry.stride == 1, geometry.groups == 1,
      problem.inputChannels >= width, problem.outputChannels >= width
    else { return nil }
    // Phases of one or two pixels with nothing but padding around them.
    if filtering.reads == filtering.outputs {
      func isIsolated(_ extent: Int, _ outputs: Int, _ rate: Int, _ padding: Int) -> Bool {
        extent == outputs && padding == rate && 2 * rate >= extent
      }
      guard
        isIsolated(problem.input.height, problem.output.height, geometry.dilation.height, geometry.padding.top),
        isIsolated(problem.input.width, problem.output.width, geometry.dilation.width, geometry.padding.left)
      else { return nil }
    }
    self.problem = problem
    self.filtering = filtering
    name = "winograd " + filtering.name
    matrix = PanelMatrix(
      rowOffsets: 0..<problem.inputChannels,
      columnOffsets: (0..<problem.outputChannels).map { $0 * problem.inputChannels },
      on: backend)
    let step = geometry.dilation
    phases = Extent2D(min(step.height, problem.output.height), min(step.width, problem.output.width))
    func tiles(_ pixels: Int, _ step: Int) -> Int {
      ((pixels + step - 1) / step + filtering.outputs - 1) / filtering.outputs
    }
    grid = Extent2D(tiles(problem.output.height, step.height), tiles(problem.output.width, step.width))
    let count = problem.batch * phases.height * phases.width * grid.height * grid.width
    let threads = backend.workers.threadCount
    let tileBytes = 4 * filtering.products * (problem.inputChannels + problem.outputChannels)
    sharesPoints = 4 * filtering.products * matrix.count > WinogradConvolution.cachedWeightBytes
    if sharesPoints {
      blocks = EvenPieces(count, largest: max(24, WinogradConvolution.sharedBlockBytes / tileBytes), multipleOf: 6)
    } else {
      let fitting = WinogradConvolution.ownBlockBytes / tileBytes
      blocks = EvenPieces(
        count, largest: max(12, min(48, fitting)), atLeast: threads == 1 ? 1 : 4 * threads, multipleOf: 6)
    }
    // A little more than a row a tile, so that planes do not lie a power of two apart.
    let rows = blocks.size
    func plane(_ channels: Int) -> Int { (rows * channels + 15) / 16 * 16 + 16 }
    tiling = WinogradTiling(
      filtering, input: problem.input, inputChannels: problem.inputChannels, output: problem.output,
      outputChannels: problem.outputChannels, step: step, inputPlane: plane(problem.inputChannels),
      outputPlane: plane(problem.outputChannels))
  }

  var demand: AlgorithmDemand {
    var demand = AlgorithmDemand()
    let (n, m) = (Double(filtering.inputs), Double(filtering.outputs))
    let tiles = Double(blocks.count)
    let points = n * n
    demand.panelMacs = tiles * points * Double(matrix.count)
    demand.panelResults = tiles * points * Double(matrix.count / matrix.k)
    // A line of n costs n · pairs operations there and (m / 2 + 1) · m back, or a product with a matrix; 2 n lines there, n + m back.
    let (inputs, outputs) = (Double(problem.inputChannels), Double(problem.outputChannels))
    let (there, back) = filtering.pairs > 0 ? (n * m / 2, m * (m / 2 + 1)) : (n * Double(filtering.reads), m * n)
    demand.vectorOperations = tiles * (inputs * (n + Double(filtering.reads)) * there + outputs * (n + m) * back)
    demand.bytesMoved = 4 * tiles * points * (2 * inputs + outputs)
    demand.weightBytes = 4 * Double(blocks.pieces) * points * Double(matrix.count)
    return demand
  }

  var packing: String { "\(filtering.packing)/\(matrix.layoutName)" }
  var packedCount: Int { filtering.products * matrix.count }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool) {
    let transform = ContiguousArray(filtering.filterTransform.joined())
    let (n, layout, inputs) = (filtering.inputs, matrix.layout, problem.inputChannels)
    let panels = (matrix.n + layout.width - 1) / layout.width
    workers.forEach(panels) { panel, _ in
      let column = panel * layout.width
      let stored = layout.storedColumns(at: column, of: matrix.n)
      let present = min(stored, matrix.n - column)
      let target = packed + layout.offset(ofPanelAt: column, k: matrix.k)
      // g and G g, a row of the panel's columns each.
      withUnsafeTemporaryAllocation(of: Double.self, capacity: (9 + 3 * n + 1) * stored) { memory in
        memory.initialize(repeating: 0)
        let (g, half) = (memory.baseAddress!, memory.baseAddress! + 9 * stored)
        let sum = half + 3 * n * stored
        transform.withUnsafeBufferPointer { transform in
          for input in 0..<inputs {
            for index in 0..<present {
              let source = weights + ((column + index) * inputs + input) * 9
              for tap in 0..<9 { g[tap * stored + index] = Double(source[tap]) }
            }
            for i in 0..<n {
              let (g0, g1, g2) = (transform[i * 3], transform[i * 3 + 1], transform[i * 3 + 2])
              for index in 0..<3 * stored {
                half[i * 3 * stored + index] = g0 * g[index] + g1 * g[3 * stored + index] + g2 * g[6 * stored + index]
              }
            }
            for i in 0..<n {
              let line = half + i * 3 * stored
              for j in 0..<n {
                let (g0, g1, g2) = (transform[j * 3], transform[j * 3 + 1], transform[j * 3 + 2])
                let place = target + (i * n + j) * matrix.count + input * stored
                for index in 0..<stored {
                  sum[index] = g0 * line[index] + g1 * line[stored + index] + g2 * line[2 * stored + index]
                }
                for index in 0..<stored { place[index] = Float(sum[index]) }
              }
            }
          }
        }
      }
    }
  }

  private var blockScratch: Int { filtering.products * (tiling.inputPlane + tiling.outputPlane) }

  func scratchCount(threads: Int) -> Int { sharesPoints ? blockScratch : threads * blockScratch }

  func run(_ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    var tiling = tiling
    tiling.xStride = run.xStride
    tiling.yStride = run.yStride
    tiling.residualStride = run.residualStride
    let workers = run.backend.workers
    if sharesPoints {
      for block in 0..<blocks.pieces {
        let tiles = blocks[block]
        let results = scratch + filtering.products * tiling.inputPlane
        workers.forEachRange(tiles.count, grain: 1) { range, _ in
          for index in range {
            transformInput(tiles.lowerBound + index, tiling, run, scratch + index * problem.inputChannels)
          }
        }
        workers.forEach(filtering.products) { point, _ in
          multiply(point, rows: tiles.count, tiling, run, scratch, results)
        }
        workers.forEachRange(tiles.count, grain: 1) { range, _ in
          for index in range {
            transformOutput(tiles.lowerBound + index, tiling, run, results + index * problem.outputChannels)
          }
        }
      }
    } else {
      let perWorker = blockScratch
      workers.forEach(blocks.pieces) { block, worker in
        let tiles = blocks[block]
        let planes = scratch + worker * perWorker
        let results = planes + filtering.products * tiling.inputPlane
        for (index, tile) in tiles.enumerated() {
          transformInput(tile, tiling, run, planes + index * problem.inputChannels)
        }
        for point in 0..<filtering.products { multiply(point, rows: tiles.count, tiling, run, planes, results) }
        for (index, tile) in tiles.enumerated() {
          transformOutput(tile, tiling, run, results + index * problem.outputChannels)
        }
      }
    }
  }

  /// Image and first output pixel of a tile.
  private func place(_ tile: Int) -> (image: Int, row: Int, column: Int) {
    let (rest, tileColumn) = tile.quotientAndRemainder(dividingBy: grid.width)
    let (phase, tileRow) = rest.quotientAndRemainder(dividingBy: grid.height)
    let (others, phaseColumn) = phase.quotientAndRemainder(dividingBy: phases.width)
    let (image, phaseRow) = others.quotientAndRemainder(dividingBy: phases.height)
    return (
      image, phaseRow + tileRow * filtering.outputs * tiling.step.height,
      phaseColumn + tileColumn * filtering.outputs * tiling.step.width
    )
  }

  private func transformInput(
    _ tile: Int, _ tiling: WinogradTiling, _ run: ConvolutionRun, _ planes: UnsafeMutablePointer<Float>
  ) {
    let (image, row, column) = place(tile)
    // A tile that reads as many pixels as it writes begins where they do.
    let padding = filtering.reads == filtering.outputs ? Padding2D(0) : problem.geometry.padding
    run.backend.winogradInput(
      tiling, image: run.x + image * problem.inputPixels * run.xStride, row: row - padding.top,
      column: column - padding.left, planes)
  }

  private func multiply(
    _ point: Int, rows: Int, _ tiling: WinogradTiling, _ run: ConvolutionRun, _ planes: UnsafePointer<Float>,
    _ results: UnsafeMutablePointer<Float>
  ) {
    run.backend.panelProduct(
      PanelOperands(
        rows: .strided(planes + point * tiling.inputPlane, stride: problem.inputChannels), rowCount: rows,
        depth: problem.inputChannels, panels: run.weights + point * matrix.count, columns: problem.outputChannels,
        y: results + point * tiling.outputPlane, yStride: problem.outputChannels))
  }

  private func transformOutput(
    _ tile: Int, _ tiling: WinogradTiling, _ run: ConvolutionRun, _ results: UnsafePointer<Float>
  ) {
    let (image, row, column) = place(tile)
    let pixels = image * problem.outputPixels
    run.backend.winogradOutput(
      tiling, planes: results, bias: run.bias, residual: run.residual.map { $0 + pixels * run.residualStride },
      run.function, run.y + pixels * run.yStride, row: row, column: column)
  }
}
