import CSegKernels

/// The geometry in memory of a Winograd convolution's tiles on one image.
package struct WinogradTiling: Sendable {
  /// The filtering.
  package let filtering: WinogradFiltering
  /// The transforms along an axis, of whole tiles and of smaller ones: ``WinogradFiltering/axes``.
  package let axes: [WinogradAxis]
  /// Extents of the image and of the result.
  package let input, output: Extent2D
  /// The number of channels of the image that are transformed.
  package var inputChannels: Int
  /// The number of channels of the result that are computed.
  package var outputChannels: Int
  /// Pixels from one input of a tile to the next (the dilation), and from one output to the next.
  package let step, outputStep: Extent2D
  /// Floats from one pixel of the image to the next.
  package var xStride: Int
  /// The channels of a word of the input planes: 1, or 2 where the transforms of an even number of channels are stored as pairs of bfloat16.
  package var wordTerms = 1
  /// Floats from one of the n · n planes to the next.
  package var inputPlane, outputPlane: Int
  /// The axes in the C structures of the kernels.
  private let kernelAxes: ContiguousArray<seg_winograd_axis>

  /// Makes a tiling. The image is contiguous, and by default the output step equals the input step.
  package init(
    _ filtering: WinogradFiltering, input: Extent2D, inputChannels: Int, output: Extent2D, outputChannels: Int,
    step: Extent2D, outputStep: Extent2D? = nil, inputPlane: Int, outputPlane: Int
  ) {
    self.filtering = filtering
    axes = filtering.axes
    self.input = input
    self.output = output
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.step = step
    self.outputStep = outputStep ?? step
    xStride = inputChannels
    self.inputPlane = inputPlane
    self.outputPlane = outputPlane
    kernelAxes = ContiguousArray(axes.map { $0.kernel(of: filtering) })
  }

  /// Calls `body` with the tiling in the C structure of the kernels.
  func withKernel(_ body: (UnsafePointer<seg_winograd>) -> Void) {
    kernelAxes.withUnsafeBufferPointer { axes in
      var w = seg_winograd()
      w.axes = axes.baseAddress
      w.points_count = filtering.inputs
      (w.input_height, w.input_width) = (input.height, input.width)
      (w.output_height, w.output_width) = (output.height, output.width)
      (w.input_channels, w.output_channels) = (inputChannels, outputChannels)
      (w.row_step, w.column_step) = (step.height, step.width)
      (w.output_row_step, w.output_column_step) = (outputStep.height, outputStep.width)
      w.x_stride = xStride
      w.word_terms = wordTerms
      (w.input_plane, w.output_plane) = (inputPlane, outputPlane)
      body(&w)
    }
  }
}

extension WinogradAxis {
  /// Makes the C structure of Bᵀ and Aᵀ, with G of the whole filtering.
  fileprivate func kernel(of filtering: WinogradFiltering) -> seg_winograd_axis {
    let (b, a, pairs) = (inputTransform, outputTransform, positivePoints.count)
    var axis = seg_winograd_axis()
    axis.pairs = pairs
    (axis.reads, axis.taps) = (reads, filtering.taps)
    fill(&axis.filter_matrix, with: filtering.filterTransform, columns: 3)
    guard pairs > 0 else {
      fill(&axis.input_matrix, with: b, columns: 5)
      fill(&axis.output_matrix, with: a, columns: 5)
      return axis
    }
    fill(&axis.points, with: [positivePoints], columns: 3)
    fill(&axis.whole, with: [(0..<pairs).map { b[0][2 * $0] }], columns: 3)
    fill(&axis.others, with: (0..<pairs).map { i in (1..<pairs).map { b[2 * i + 1][2 * $0] } }, columns: 2)
    axis.first = Float(a[0][0])
    fill(&axis.powers, with: (0..<pairs).map { i in a.map { $0[2 * i + 1] } }, columns: 7)
    return axis
  }
}

/// Writes rows of numbers to the beginnings of rows of a C array.
private func fill<CArray>(_ array: inout CArray, with rows: [[Double]], columns: Int) {
  withUnsafeMutableBytes(of: &array) { bytes in
    let numbers = bytes.bindMemory(to: Float.self)
    for (index, row) in rows.enumerated() {
      for (column, number) in row.enumerated() { numbers[index * columns + column] = Float(number) }
    }
  }
}
