/// The gradient of the weights of a 3×3 convolution of stride 1 by Winograd's filtering. The forward algorithm computes
/// Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A for each tile; its transpose with respect to the weights is
///
/// dg = Gᵀ [Σ over tiles of (Bᵀ d B) ⊙ (A dY Aᵀ)] G,
///
/// where the products of channels are outer products. Tiles, also those of atrous convolutions, are those of the forward algorithm
/// (``WinogradTiles``).
///
/// A task transforms the tiles of its channels some at a time, multiplies them for each evaluation point, and keeps the sums of all
/// points, which fit a core's cache. Sums are float32; the error is below 1e-5 of the largest element.
struct WinogradWeightGradient: WeightGradientAlgorithm {
  let name: String
  let problem: ConvolutionProblem
  let blocks: WeightGradientBlocks
  let parts: EvenPieces
  private let filtering: WinogradFiltering
  private let tiles: WinogradTiles
  private let tiling: WinogradTiling

  static func name(_ filtering: WinogradFiltering) -> String { "weight gradient winograd " + filtering.name }

  init?(_ problem: ConvolutionProblem, _ filtering: WinogradFiltering, on device: ComputeDevice) {
    let (geometry, unit) = (problem.geometry, device.kernels.panelLayout.unit)
    // The transforms take a register of channels at least, also of the last block.
    guard geometry.kernel == 3, geometry.stride == 1, geometry.groups == 1, problem.inputChannels >= 2 * unit,
      problem.outputChannels >= 2 * unit
    else { return nil }
    self.problem = problem
    self.filtering = filtering
    name = WinogradWeightGradient.name(filtering)
    // The sums of all points, and the planes of the tiles, take a third of a core's cache each.
    let floats = device.kernels.coreCacheBytes / ElementType.float32.byteCount / 3
    let channels = max(2 * unit, 64)
    let outputs = EvenPieces(problem.outputChannels, largest: channels, multipleOf: unit)
    let inputs = EvenPieces(
      problem.inputChannels, largest: max(2 * unit, min(channels, floats / (filtering.products * outputs.size))),
      multipleOf: unit)
    blocks = WeightGradientBlocks(groups: 1, inputs: inputs, outputs: outputs, taps: problem.taps, unit: unit)
    let (inputStride, outputStride) = (inputs.size + 16, blocks.largestColumns + 16)
    tiles = WinogradTiles(filtering, problem.output, step: geometry.dilation, batch: problem.batch) { count in
      EvenPieces(count, largest: max(16, floats / (filtering.products * (inputStride + outputStride))))
    }
    let rows = tiles.blocks.size
    tiling = WinogradTiling(
      filtering, input: problem.input, inputChannels: problem.inputChannels, output: problem.output,
      outputChannels: problem.outputChannels, step: geometry.dilation, inputPlane: rows * inputStride + 16,
      outputPlane: rows * outputStride + 16)
    parts = blocks.parts(ofItems: tiles.blocks.pieces)
  }

  private var inputStride: Int { blocks.inputs.size + 16 }
  private var outputStride: Int { blocks.largestColumns + 16 }
  /// Floats from a point's sums to the next one's.
  private var sumPlane: Int { blocks.inputs.size * blocks.largestColumns + 16 }

  var scratchCount: Int { filtering.products * (tiling.inputPlane + tiling.outputPlane + sumPlane) }

  var work: WorkEstimate {
    var work = WorkEstimate()
    let (n, m) = (Double(filtering.inputs), Double(filtering.outputs))
    let (inputs, outputs) = (Double(problem.inputChannels), Double(problem.outputChannels))
    let tileCount = Double(tiles.productCount) / (n * n)
    let columns = Double(blocks.largestColumns * blocks.outputs.pieces)
    work.panelMacs = Double(tiles.productCount) * inputs * columns
    // The sums of all points are loaded and stored for each group of tiles.
    work.panelResults = Double(tiles.blocks.pieces) * n * n * inputs * columns
    // Every block transforms the tiles of its channels; see ``WinogradConvolution/work``.
    let (x, y) = (inputs * Double(blocks.outputs.pieces), outputs * Double(blocks.inputs.pieces))
    work.vectorOperations =
      tileCount * (x * 2 * n * n * m / 2 + y * (n + m) * m * (m / 2 + 1))
      + Double(parts.pieces) * inputs * columns * 2 * n * (3 + n)
    work.bytesMoved = ElementType.float32.byteCount(of: tileCount * n * n * (x + y))
    return work
  }

  func sum(
    _ block: WeightGradientBlock, items: Range<Int>, _ run: WeightGradientRun, into sums: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>
  ) {
    let geometry = problem.geometry
    let (inputs, columns) = (block.inputs.count, blocks.columns(of: block))
    var tiling = tiling
    (tiling.inputChannels, tiling.outputChannels, tiling.xStride) = (inputs, block.outputs.count, run.xStride)
    let gradients = scratch + filtering.products * tiling.inputPlane
    let products = gradients + filtering.products * tiling.outputPlane
    // What a last register holds beyond the channels is not written by the transform.
    if columns > block.outputs.count {
      gradients.update(repeating: 0, count: filtering.products * tiling.outputPlane)
    }
    let (x, dy) = (run.x + block.inputs.lowerBound, run.dy + block.outputs.lowerBound)
    for item in items {
      let group = tiles[block: item]
      for index in 0..<group.tiles.count {
        let (image, tile) = tiles[index, of: group]
        run.kernels.winogradInput(
          tiling, image: x + image * problem.inputPixels * run.xStride, tile,
          padding: (geometry.padding.top, geometry.padding.left), scratch + index * inputStride)
        run.kernels.winogradGradient(
          tiling, dy + image * problem.outputPixels * run.dyStride, yStride: run.dyStride, tile,
          gradients + index * outputStride)
      }
      for point in 0..<filtering.products {
        let taking = group.taking(point)
        let target = products + point * sumPlane
        guard !taking.isEmpty else {
          if item == items.lowerBound { target.update(repeating: 0, count: inputs * columns) }
          continue
        }
        run.kernels.outerProducts(
          OuterProductOperands(
            x: scratch + point * tiling.inputPlane + taking.lowerBound * inputStride, xStride: inputStride, xRow: 0,
            y: gradients + point * tiling.outputPlane + taking.lowerBound * outputStride, yStride: outputStride,
            yRow: 0, rows: 1, columns: taking.count, inputs: inputs, outputs: columns, sums: target,
            sumStride: columns, run: inputs, runStride: 0, accumulates: item != items.lowerBound))
      }
    }
    run.kernels.winogradFilterGradient(
      tiling, planes: products, plane: sumPlane, count: inputs, width: columns, sums)
  }
}
