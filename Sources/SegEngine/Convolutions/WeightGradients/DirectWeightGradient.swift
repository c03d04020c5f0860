/// The gradient of the weights of a convolution of any geometry by sums of outer products, tap by tap.
///
/// The channels of a block are copied to contiguous memory, some hundred output pixels at a time: the rows that a kernel row reads with
/// zeros for padding, and the gradient of the output. There all taps read them from cache. Taps of a kernel row that adjoin are one product with
/// as many times the input channels.
struct DirectWeightGradient: WeightGradientAlgorithm {
  static let name = "weight gradient direct"
  var name: String { DirectWeightGradient.name }

  let problem: ConvolutionProblem
  let blocks: WeightGradientBlocks
  let parts: EvenPieces
  /// Rows and columns of the output pixels of an item.
  private let rows, columns: EvenPieces

  /// Output pixels of an item.
  private static let itemPixels = 256
  /// The most floats of a block's sums: some of a core's second-level cache.
  private static let blockSums = 64 << 10

  init?(_ problem: ConvolutionProblem, on device: ComputeDevice) {
    self.problem = problem
    let unit = device.kernels.panelLayout.unit
    let outputs = EvenPieces(problem.groupOutputs, largest: problem.taps == 1 ? 256 : 128, multipleOf: unit)
    let inputs = EvenPieces(
      problem.groupInputs, largest: max(8, DirectWeightGradient.blockSums / (problem.taps * outputs.size)),
      multipleOf: 8)
    blocks = WeightGradientBlocks(
      groups: problem.geometry.groups, inputs: inputs, outputs: outputs, taps: problem.taps, unit: unit)
    columns = EvenPieces(problem.output.width, largest: DirectWeightGradient.itemPixels)
    rows = EvenPieces(problem.output.height, largest: max(1, DirectWeightGradient.itemPixels / columns.size))
    parts = blocks.parts(ofItems: problem.batch * rows.pieces * columns.pieces)
  }

  private var kernel: Extent2D { problem.geometry.kernel }
  /// Pixels of x from one in a copied row to the next: those between the outputs of one tap are left out.
  private var step: Int { kernel.width == 1 ? problem.geometry.stride.width : 1 }
  /// Pixels of a copied row from the one of an output to that of the next.
  private var advance: Int { kernel.width == 1 ? 1 : problem.geometry.stride.width }

  /// Pixels of a row of x that is copied for a number of outputs.
  private func copiedColumns(_ outputs: Int) -> Int {
    kernel.width == 1
      ? outputs
      : (outputs - 1) * problem.geometry.stride.width + (kernel.width - 1) * problem.geometry.dilation.width + 1
  }

  private var copiedInputs: Int { (rows.size * copiedColumns(columns.size) * blocks.inputs.size + 15) / 16 * 16 }
  private var copiedOutputs: Int { rows.size * columns.size * copyStride(blocks.largestColumns) }
  /// Floats between the pixels of the copied gradient: no power of two beyond the columns of which a pass fills the first-level cache.
  private func copyStride(_ columns: Int) -> Int { columns <= 64 ? columns : columns + 16 }
  var scratchCount: Int { copiedInputs + copiedOutputs }

  var work: WorkEstimate {
    var work = WorkEstimate()
    let pixels = Double(problem.batch * problem.outputPixels)
    let (inputs, outputs) = (blocks.inputs, blocks.outputs)
    let padded = Double(blocks.largestColumns * outputs.pieces * blocks.groups)
    work.panelMacs = pixels * Double(problem.groupInputs * problem.taps) * padded
    // Each block copies its channels, x for each kernel row; the sums of a pass over some hundred pixels are loaded and stored.
    let copied =
      pixels * Double(kernel.height * advance * problem.inputChannels * outputs.pieces)
      + pixels * padded * Double(inputs.pieces)
    work.panelResults = work.panelMacs / 128
    work.bytesMoved = ElementType.float32.byteCount(of: 2 * copied)
    return work
  }

  func sum(
    _ block: WeightGradientBlock, items: Range<Int>, _ run: WeightGradientRun, into sums: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>
  ) {
    let (inputs, columnCount) = (block.inputs.count, blocks.columns(of: block))
    sums.update(repeating: 0, count: blocks.rows(of: block) * columnCount)
    let copies = scratch + copiedInputs
    let copyStride = copyStride(columnCount)
    let geometry = problem.geometry
    for item in items {
      let (rest, columnPiece) = item.quotientAndRemainder(dividingBy: columns.pieces)
      let (image, rowPiece) = rest.quotientAndRemainder(dividingBy: rows.pieces)
      let (itemRows, itemColumns) = (rows[rowPiece], columns[columnPiece])
      for (index, row) in itemRows.enumerated() {
        run.kernels.copyRows(
          run.dy + (image * problem.outputPixels + row * problem.output.width + itemColumns.lowerBound) * run.dyStride
            + block.outputs.lowerBound, xStride: run.dyStride, copies + index * itemColumns.count * copyStride,
          yStride: copyStride, rows: itemColumns.count, columns: block.outputs.count)
      }
      let width = copiedColumns(itemColumns.count)
      for kernelRow in 0..<kernel.height {
        // The outputs whose tap is inside the image.
        let offset = kernelRow * geometry.dilation.height - geometry.padding.top
        let inside = DirectWeightGradient.outputs(
          inside: problem.input.height, offset: offset, stride: geometry.stride.height
        ).clamped(to: itemRows)
        guard !inside.isEmpty else { continue }
        for (index, row) in inside.enumerated() {
          copyInputs(
            image: image, row: row * geometry.stride.height + offset, outputs: itemColumns, block, run,
            scratch + index * width * inputs)
        }
        var products = OuterProductOperands(
          x: scratch, xStride: advance * inputs, xRow: width * inputs,
          y: copies + (inside.lowerBound - itemRows.lowerBound) * itemColumns.count * copyStride,
          yStride: copyStride, yRow: itemColumns.count * copyStride, rows: inside.count, columns: itemColumns.count,
          inputs: inputs, outputs: columnCount, sums: sums + kernelRow * kernel.width * columnCount,
          sumStride: problem.taps * columnCount, run: inputs, runStride: columnCount, accumulates: true)
        if geometry.dilation.width == 1 {
          products.inputs = kernel.width * inputs
          run.kernels.outerProducts(products)
        } else {
          for _ in 0..<kernel.width {
            run.kernels.outerProducts(products)
            products.x += geometry.dilation.width * inputs
            products.sums += columnCount
          }
        }
      }
    }
  }

  /// Returns the outputs along an axis for which output · stride + offset is inside the image.
  static func outputs(inside extent: Int, offset: Int, stride: Int) -> Range<Int> {
    let first = offset >= 0 ? 0 : (stride - 1 - offset) / stride
    let last = extent - 1 - offset
    return first..<max(first, last < 0 ? 0 : last / stride + 1)
  }

  /// Copies the pixels of a row of x that some outputs of a row read, with zeros for those outside.
  private func copyInputs(
    image: Int, row: Int, outputs: Range<Int>, _ block: WeightGradientBlock, _ run: WeightGradientRun,
    _ copy: UnsafeMutablePointer<Float>
  ) {
    let (inputs, width) = (block.inputs.count, copiedColumns(outputs.count))
    let first = outputs.lowerBound * problem.geometry.stride.width - problem.geometry.padding.left
    let inside = DirectWeightGradient.outputs(inside: problem.input.width, offset: first, stride: step)
      .clamped(to: 0..<width)
    copy.update(repeating: 0, count: inside.lowerBound * inputs)
    run.kernels.copyRows(
      run.x + (image * problem.inputPixels + row * problem.input.width + first + inside.lowerBound * step) * run.xStride
        + block.group * problem.groupInputs + block.inputs.lowerBound, xStride: step * run.xStride,
      copy + inside.lowerBound * inputs, yStride: inputs, rows: inside.count, columns: inputs)
    (copy + inside.upperBound * inputs).update(repeating: 0, count: (width - inside.upperBound) * inputs)
  }
}
