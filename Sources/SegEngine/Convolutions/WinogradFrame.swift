/// The positions of a Winograd convolution's tiles in its input and output maps.
///
/// A transposed convolution of stride 2 with 4 × 4 taps is four convolutions with 2 × 2 taps, one for each phase of the output: output
/// 2 u − p + φ along an axis, of padding p and phase φ, is w[φ + 2] · x[u − 1] + w[φ] · x[u]. All four read the same pixels, so their
/// tiles share one transform of the inputs, and their products are those of one matrix with four times the columns.
struct WinogradFrame: Sendable {
  /// The taps along each axis of the filter.
  let taps: Int
  /// The outputs of a phase along each axis.
  let extent: Extent2D
  /// Pixels from one input of a tile to the next, and from one output to the next.
  let inputStep, outputStep: Extent2D
  /// Pixels from a tile's first output u to the first input that it reads.
  let padding: (top: Int, left: Int)
  /// The position of output u = 0 of each phase in the result, possibly one pixel outside.
  let phases: [Extent2D]
  /// Offsets in the weights: of the taps, from one input channel to the next, and of the columns, phase by phase.
  let tapOffsets: [Int]
  let inputStride: Int
  let columnOffsets: [Int]

  /// Makes the frame; `nil` unless the problem is 3 × 3 of stride 1 or transposed 4 × 4 of stride 2.
  init?(_ problem: ConvolutionProblem) {
    guard problem.geometry.groups == 1 else { return nil }
    switch problem.direction {
    case .forward: self.init(forward: problem)
    case .transposed: self.init(transposed: problem)
    }
  }

  /// Returns the position in the result of a tile of outputs u.
  func target(of tile: WinogradTile, phase: Int) -> WinogradTile {
    guard phases.count > 1 else { return tile }
    let origin = phases[phase]
    return WinogradTile(
      row: tile.row * outputStep.height + origin.height, column: tile.column * outputStep.width + origin.width,
      rowAxis: tile.rowAxis, columnAxis: tile.columnAxis)
  }

  private init?(forward problem: ConvolutionProblem) {
    let geometry = problem.geometry
    guard geometry.kernel == 3, geometry.stride == 1 else { return nil }
    taps = 3
    extent = problem.output
    (inputStep, outputStep) = (geometry.dilation, geometry.dilation)
    padding = (geometry.padding.top, geometry.padding.left)
    phases = [0]
    tapOffsets = (0..<9).map(problem.weights.tap)
    inputStride = problem.weights.input
    columnOffsets = (0..<problem.outputChannels).map { $0 * problem.weights.output }
  }

  private init?(transposed problem: ConvolutionProblem) {
    let (geometry, output) = (problem.geometry, problem.output)
    let before = geometry.padding
    guard geometry.kernel == 4, geometry.stride == 2, geometry.dilation == 1, before.top >= 0, before.left >= 0 else {
      return nil
    }
    taps = 2
    // u counts from the first that has an output, ⌊p / 2⌋, to the last.
    func count(_ outputs: Int, _ padding: Int) -> Int { (outputs - 1 + padding) / 2 - padding / 2 + 1 }
    extent = Extent2D(height: count(output.height, before.top), width: count(output.width, before.left))
    (inputStep, outputStep) = (1, 2)
    padding = (1 - before.top / 2, 1 - before.left / 2)
    let places = [
      Extent2D(height: 0, width: 0), Extent2D(height: 0, width: 1), Extent2D(height: 1, width: 0),
      Extent2D(height: 1, width: 1),
    ]
    phases = places.map { Extent2D(height: $0.height - before.top % 2, width: $0.width - before.left % 2) }
    // Weights [in, out, 4, 4]: the first tap of a phase, which is multiplied by x[u − 1], is the kernel's second.
    tapOffsets = [10, 8, 2, 0]
    inputStride = problem.outputChannels * 16
    columnOffsets = places.flatMap { place in
      (0..<problem.outputChannels).map { $0 * 16 + place.height * 4 + place.width }
    }
  }
}
