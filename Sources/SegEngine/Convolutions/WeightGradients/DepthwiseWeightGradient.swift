/// The gradient of the weights of a depthwise convolution, with one or more kernels per channel, by a vector kernel along the channels.
///
/// Blocks are some output channels. They are copied to contiguous memory as by ``DirectWeightGradient``, channels of x once for each of their
/// kernels, and the sums of a kernel row's taps stay in registers along a row of pixels.
struct DepthwiseWeightGradient: WeightGradientAlgorithm {
  static let name = "weight gradient depthwise"
  var name: String { DepthwiseWeightGradient.name }

  let problem: ConvolutionProblem
  let blocks: WeightGradientBlocks
  let parts: EvenPieces
  /// Rows and columns of the output pixels of an item.
  private let rows, columns: EvenPieces

  /// The most bytes of an item's rows of x: they stay in a core's second-level cache.
  private static let itemBytes = 256 << 10

  init?(_ problem: ConvolutionProblem, on device: ComputeDevice) {
    guard problem.groupInputs == 1, problem.geometry.groups > 1 else { return nil }
    self.problem = problem
    let unit = device.kernels.panelLayout.unit
    blocks = WeightGradientBlocks(
      groups: 1, inputs: EvenPieces(1, largest: 1),
      outputs: EvenPieces(problem.outputChannels, largest: 32, multipleOf: unit), taps: problem.taps, unit: unit)
    let geometry = problem.geometry
    columns = EvenPieces(problem.output.width, largest: 256)
    let width = (columns.size - 1) * geometry.stride.width + geometry.effectiveKernel.width
    let rowBytes = ElementType.float32.byteCount(of: width * blocks.largestColumns)
    let fitting =
      (DepthwiseWeightGradient.itemBytes / rowBytes - geometry.effectiveKernel.height) / geometry.stride.height
    rows = EvenPieces(problem.output.height, largest: max(4, fitting + 1))
    parts = blocks.parts(ofItems: problem.batch * rows.pieces * columns.pieces)
  }

  /// Rows and columns of x that are copied for a number of outputs.
  private func copiedRows(_ outputs: Int) -> Int {
    (outputs - 1) * problem.geometry.stride.height + problem.geometry.effectiveKernel.height
  }
  private func copiedColumns(_ outputs: Int) -> Int {
    (outputs - 1) * problem.geometry.stride.width + problem.geometry.effectiveKernel.width
  }

  private var copiedInputs: Int { copiedRows(rows.size) * copiedColumns(columns.size) * blocks.largestColumns }
  var scratchCount: Int { copiedInputs + columns.size * blocks.largestColumns }

  var work: WorkEstimate {
    var work = WorkEstimate()
    work.vectorOperations = Double(problem.macs)
    let copied = Double(problem.batch * (problem.inputPixels * problem.groupOutputs + problem.outputPixels))
    work.bytesMoved = ElementType.float32.byteCount(of: 2 * copied * Double(problem.outputChannels))
    return work
  }

  func sum(
    _ block: WeightGradientBlock, items: Range<Int>, _ run: WeightGradientRun, into sums: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>
  ) {
    let (geometry, kernel, channels) = (problem.geometry, problem.geometry.kernel, blocks.columns(of: block))
    sums.update(repeating: 0, count: problem.taps * channels)
    let gradients = scratch + copiedInputs
    for item in items {
      let (rest, columnPiece) = item.quotientAndRemainder(dividingBy: columns.pieces)
      let (image, rowPiece) = rest.quotientAndRemainder(dividingBy: rows.pieces)
      let (itemRows, itemColumns) = (rows[rowPiece], columns[columnPiece])
      let width = copiedColumns(itemColumns.count)
      let firstRow = itemRows.lowerBound * geometry.stride.height - geometry.padding.top
      for row in 0..<copiedRows(itemRows.count) where (0..<problem.input.height).contains(firstRow + row) {
        copyInputs(
          image: image, row: firstRow + row, outputs: itemColumns, block, run, scratch + row * width * channels)
      }
      for row in itemRows {
        run.kernels.copyRows(
          run.dy + (image * problem.outputPixels + row * problem.output.width + itemColumns.lowerBound) * run.dyStride
            + block.outputs.lowerBound, xStride: run.dyStride, gradients, yStride: channels, rows: itemColumns.count,
          columns: block.outputs.count)
        for kernelRow in 0..<kernel.height {
          let line = row * geometry.stride.height - geometry.padding.top + kernelRow * geometry.dilation.height
          guard (0..<problem.input.height).contains(line) else { continue }
          run.kernels.depthwiseGradient(
            DepthwiseGradientOperands(
              x: scratch + (line - firstRow) * width * channels, xStride: geometry.stride.width * channels, xRow: 0,
              tapStride: geometry.dilation.width * channels, y: gradients, yStride: channels, yRow: 0, rows: 1,
              columns: itemColumns.count, taps: kernel.width, channels: channels,
              sums: sums + kernelRow * kernel.width * channels, sumStride: channels))
        }
      }
    }
  }

  /// Copies the pixels of a row of x that some outputs of a row read, with zeros for those outside and behind the channels.
  private func copyInputs(
    image: Int, row: Int, outputs: Range<Int>, _ block: WeightGradientBlock, _ run: WeightGradientRun,
    _ copy: UnsafeMutablePointer<Float>
  ) {
    let (channels, width) = (blocks.columns(of: block), copiedColumns(outputs.count))
    let first = outputs.lowerBound * problem.geometry.stride.width - problem.geometry.padding.left
    let inside = DirectWeightGradient.outputs(inside: problem.input.width, offset: first, stride: 1)
      .clamped(to: 0..<width)
    copy.update(repeating: 0, count: inside.lowerBound * channels)
    (copy + inside.upperBound * channels).update(repeating: 0, count: (width - inside.upperBound) * channels)
    let source = run.x + (image * problem.inputPixels + row * problem.input.width + first) * run.xStride
    guard problem.groupOutputs > 1 else {
      run.kernels.copyRows(
        source + inside.lowerBound * run.xStride + block.outputs.lowerBound, xStride: run.xStride,
        copy + inside.lowerBound * channels, yStride: channels, rows: inside.count, columns: block.outputs.count)
      return
    }
    for pixel in inside {
      for channel in 0..<channels {
        copy[pixel * channels + channel] =
          channel < block.outputs.count
          ? source[pixel * run.xStride + (block.outputs.lowerBound + channel) / problem.groupOutputs] : 0
      }
    }
  }
}
