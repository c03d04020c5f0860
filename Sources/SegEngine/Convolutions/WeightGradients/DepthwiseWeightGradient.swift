/// The gradient of the weights of a depthwise convolution, with one or more kernels per channel, by a vector kernel along the channels.
///
/// Blocks are some channels. The sums of a kernel row's taps stay in registers along a row of pixels, and the rows that a kernel spans in
/// cache.
struct DepthwiseWeightGradient: WeightGradientAlgorithm {
  static let name = "weight gradient depthwise"
  var name: String { DepthwiseWeightGradient.name }

  let problem: ConvolutionProblem
  let blocks: WeightGradientBlocks
  let parts: EvenPieces
  /// The output rows of an item.
  private let rows: EvenPieces

  /// The most taps of a kernel that the vector kernels support.
  private static let mostTaps = 128

  init?(_ problem: ConvolutionProblem, on device: ComputeDevice) {
    guard problem.groupInputs == 1, problem.geometry.groups > 1, problem.taps <= DepthwiseWeightGradient.mostTaps
    else { return nil }
    self.problem = problem
    let unit = device.kernels.panelLayout.unit
    // Outputs of whole channels.
    let outputs = EvenPieces(
      problem.outputChannels, largest: max(problem.groupOutputs, 2 * unit),
      multipleOf: problem.groupOutputs == 1 ? 2 * unit : problem.groupOutputs)
    blocks = WeightGradientBlocks(
      groups: 1, inputs: EvenPieces(1, largest: 1), outputs: outputs, taps: problem.taps, unit: unit)
    rows = EvenPieces(problem.output.height, largest: 16)
    parts = blocks.parts(ofItems: problem.batch * rows.pieces)
  }

  let scratchCount = 0

  var work: WorkEstimate {
    var work = WorkEstimate()
    work.vectorOperations = Double(problem.macs)
    let read = problem.inputPixels * problem.inputChannels + problem.outputPixels * problem.outputChannels
    work.bytesMoved = ElementType.float32.byteCount(of: Double(problem.batch * read))
    return work
  }

  func sum(
    _ block: WeightGradientBlock, items: Range<Int>, _ run: WeightGradientRun, into sums: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>
  ) {
    let columns = blocks.columns(of: block)
    sums.update(repeating: 0, count: problem.taps * columns)
    let window = problem.window(pixelStride: run.xStride)
    let first = block.outputs.lowerBound
    for item in items {
      let (image, piece) = item.quotientAndRemainder(dividingBy: rows.pieces)
      let row = image * problem.output.height + rows[piece].lowerBound
      run.kernels.depthwiseGradient(
        window, image: run.x + image * problem.inputPixels * run.xStride + first / problem.groupOutputs,
        run.dy + row * problem.output.width * run.dyStride + first, dyStride: run.dyStride, rows: rows[piece],
        channels: block.outputs.count / problem.groupOutputs, multiplier: problem.groupOutputs, sums,
        sumStride: columns)
    }
  }
}
