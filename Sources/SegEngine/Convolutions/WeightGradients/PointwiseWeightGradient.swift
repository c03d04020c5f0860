/// The gradient of the weights of a 1×1 convolution of stride 1, or of a linear layer: the product Xᵀ · dY over pixels, by sums of outer
/// products.
///
/// Maps are read in place, unless pixels are so far apart that those of a pass would share few lines of the first-level cache, or channels end
/// within a register. Such channels are copied first, some hundred pixels at a time. With few output channels the operands change places, so that
/// registers are full.
struct PointwiseWeightGradient: WeightGradientAlgorithm {
  static let name = "weight gradient pointwise"
  var name: String { PointwiseWeightGradient.name }

  let problem: ConvolutionProblem
  let blocks: WeightGradientBlocks
  let parts: EvenPieces
  /// The pixels of an item.
  private let pixels: EvenPieces
  private let unit: Int

  /// The number of pixels of an item, whose operands for one block of weights fit a second-level cache.
  private static let itemPixels = 512
  /// Floats between the pixels of copies, in addition to the channels, so that their distance is no power of two.
  private static let gap = 16

  init?(_ problem: ConvolutionProblem, on device: ComputeDevice) {
    guard problem.geometry.isPointwise, problem.input == problem.output else { return nil }
    self.problem = problem
    unit = device.kernels.panelLayout.unit
    let groups = problem.geometry.groups
    blocks = WeightGradientBlocks(
      groups: groups, inputs: EvenPieces(problem.groupInputs, largest: 256, multipleOf: 16),
      outputs: EvenPieces(problem.groupOutputs, largest: 256, multipleOf: max(16, unit)), taps: 1, unit: unit,
      isTransposed: 2 * problem.groupOutputs <= unit && problem.groupInputs >= unit)
    pixels = EvenPieces(problem.batch * problem.outputPixels, largest: PointwiseWeightGradient.itemPixels)
    parts = blocks.parts(ofItems: pixels.pieces)
  }

  private var copyCount: Int {
    pixels.size * (blocks.largestColumns + PointwiseWeightGradient.gap)
  }
  private var broadcastCount: Int { pixels.size * (blocks.largestRows + PointwiseWeightGradient.gap) }
  var scratchCount: Int { copyCount + broadcastCount }

  var work: WorkEstimate {
    var work = WorkEstimate()
    let count = Double(problem.batch * problem.outputPixels)
    let (rows, columns) = blocks.isTransposed ? (blocks.outputs, blocks.inputs) : (blocks.inputs, blocks.outputs)
    work.panelMacs =
      count * Double(blocks.groups * rows.count) * Double((columns.count + unit - 1) / unit * unit)
    work.panelResults = work.panelMacs / 128
    let read = problem.inputChannels * blocks.outputs.pieces + problem.outputChannels * blocks.inputs.pieces
    work.bytesMoved = ElementType.float32.byteCount(of: count * Double(read))
    return work
  }

  func sum(
    _ block: WeightGradientBlock, items: Range<Int>, _ run: WeightGradientRun, into sums: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>
  ) {
    let firstInput = block.group * problem.groupInputs + block.inputs.lowerBound
    var (rows, columns) = (
      (map: run.x + firstInput, stride: run.xStride, count: block.inputs.count),
      (map: run.dy + block.outputs.lowerBound, stride: run.dyStride, count: block.outputs.count)
    )
    if blocks.isTransposed { swap(&rows, &columns) }
    let whole = blocks.columns(of: block)
    for item in items {
      let range = pixels[item]
      // Returns the channels of the pixels, in place or copied.
      func operand(
        _ map: UnsafePointer<Float>, _ stride: Int, _ count: Int, whole: Int, _ copy: UnsafeMutablePointer<Float>
      ) -> (UnsafePointer<Float>, Int) {
        let first = map + range.lowerBound * stride
        if count == whole, isSpread(stride, count) { return (first, stride) }
        let copyStride = whole + PointwiseWeightGradient.gap
        run.kernels.copyRows(first, xStride: stride, copy, yStride: copyStride, rows: range.count, columns: count)
        return (UnsafePointer(copy), copyStride)
      }
      let (y, yStride) = operand(columns.map, columns.stride, columns.count, whole: whole, scratch)
      let (x, xStride) = operand(rows.map, rows.stride, rows.count, whole: rows.count, scratch + copyCount)
      run.kernels.outerProducts(
        OuterProductOperands(
          x: x, xStride: xStride, xRow: 0, y: y, yStride: yStride, yRow: 0, rows: 1, columns: range.count,
          inputs: rows.count, outputs: whole, sums: sums, sumStride: whole, run: rows.count, runStride: 0,
          accumulates: item != items.lowerBound))
    }
  }

  /// Whether pixels at a distance are in many lines of a first-level cache of 4 KiB a way.
  private func isSpread(_ stride: Int, _ count: Int) -> Bool {
    stride == count && count <= 64 || stride % 128 != 0
  }
}
