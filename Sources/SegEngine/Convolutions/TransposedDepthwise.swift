/// Transposed depthwise convolution, with one or more kernels per channel, by the vector kernel of the depthwise one.
///
/// Along an axis of stride s, padding p and dilation r, output y = φ + s · u receives tap a from input (y + p − a · r) / s where that is a
/// whole number. So the outputs of a phase φ are a convolution of stride 1 with some of the taps in reverse order, of dilation r / gcd(r, s).
struct TransposedDepthwise: TiledConvolutionAlgorithm {
  static let method = ConvolutionMethod("transposed depthwise", .transposedDepthwise) {
    TransposedDepthwise($0, on: $1)
  }
  var method: ConvolutionMethod { TransposedDepthwise.method }

  private let problem: ConvolutionProblem
  /// The phases along the height and along the width.
  private let rows, columns: [Phase]
  /// The output rows of a tile.
  private let pieces: EvenPieces

  /// The packed weights of the phases along the height begin here.
  private let rowOffsets: [Int]

  /// The outputs of a phase along an axis.
  private struct Phase: Sendable {
    /// Its taps, in the order of the inputs that they read.
    var taps: [Int] = []
    /// Pixels from the first input of output u to input u. If outputs receive nothing, it is beyond any map.
    var padding = 1 << 30

    /// Taps of the convolution that computes it: at least one, which is outside the map if there is none.
    var count: Int { max(1, taps.count) }
  }

  init?(_ problem: ConvolutionProblem, on device: ComputeDevice) {
    let geometry = problem.geometry
    guard problem.direction == .transposed, problem.groupInputs == 1, geometry.groups > 1,
      geometry.kernel.height <= DepthwiseConvolution.largestKernel
    else { return nil }
    self.problem = problem
    let rows = TransposedDepthwise.phases(
      geometry.kernel.height, geometry.stride.height, geometry.dilation.height, geometry.padding.top)
    let columns = TransposedDepthwise.phases(
      geometry.kernel.width, geometry.stride.width, geometry.dilation.width, geometry.padding.left)
    let width = columns.reduce(0) { $0 + $1.count } * problem.outputChannels
    (self.rows, self.columns) = (rows, columns)
    rowOffsets = rows.indices.map { index in rows[..<index].reduce(0) { $0 + $1.count } * width }
    let threads = device.workers.threadCount
    pieces = EvenPieces(
      problem.output.height, largest: problem.output.height, atLeast: threads == 1 ? 1 : 8 * threads)
  }

  private static func phases(_ kernel: Int, _ stride: Int, _ dilation: Int, _ padding: Int) -> [Phase] {
    (0..<stride).map { first in
      var phase = Phase()
      phase.taps = (0..<kernel).reversed().filter { (first + padding - $0 * dilation) % stride == 0 }
      if let last = phase.taps.first { phase.padding = (last * dilation - first - padding) / stride }
      return phase
    }
  }

  var work: WorkEstimate { problem.depthwiseWork }

  /// `[phase][tap, output channel]`
  var packedFormat: PackedFormat { float32Format("phases, tap-major") }

  var packedCount: Int {
    rows.reduce(0) { $0 + $1.count } * columns.reduce(0) { $0 + $1.count } * problem.outputChannels
  }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool) {
    let width = problem.geometry.kernel.width
    var target = packed
    for row in rows {
      for column in columns {
        for i in 0..<row.count {
          for j in 0..<column.count {
            let isTap = !row.taps.isEmpty && !column.taps.isEmpty
            for output in 0..<problem.outputChannels {
              // Weights [in, out / groups, tap] with one input a group: output channels are in order.
              target.pointee =
                isTap ? weights[output * problem.taps + row.taps[i] * width + column.taps[j]] : 0
              target += 1
            }
          }
        }
      }
    }
  }

  var tileCount: Int { problem.batch * pieces.pieces }
  let tileScratchCount = 0

  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let (image, piece) = tile.quotientAndRemainder(dividingBy: pieces.pieces)
    let geometry = problem.geometry
    func reduced(_ dilation: Int, _ stride: Int) -> Int { dilation / greatestCommonDivisor(dilation, stride) }
    let dilation = Extent2D(
      height: reduced(geometry.dilation.height, geometry.stride.height),
      width: reduced(geometry.dilation.width, geometry.stride.width))
    let source = run.x + image * problem.inputPixels * run.xStride
    for row in pieces[piece] {
      let (line, rowPhase) = row.quotientAndRemainder(dividingBy: geometry.stride.height)
      var offset = rowOffsets[rowPhase]
      for (columnPhase, column) in columns.enumerated() where columnPhase < problem.output.width {
        let phase = rows[rowPhase]
        let window = SlidingWindow(
          inputHeight: problem.input.height, inputWidth: problem.input.width, pixelStride: run.xStride,
          geometry: ConvolutionGeometry(
            kernel: Extent2D(height: phase.count, width: column.count), dilation: dilation,
            padding: Padding2D(top: phase.padding, left: column.padding, bottom: 0, right: 0),
            groups: geometry.groups),
          outputWidth: (problem.output.width - columnPhase + geometry.stride.width - 1) / geometry.stride.width)
        let pixel = (image * problem.output.height + row) * problem.output.width + columnPhase
        var epilogue = run.epilogue.part(row: pixel)
        epilogue.residualStride *= geometry.stride.width
        run.kernels.depthwise(
          window, image: source, outputRow: line, channels: problem.inputChannels, multiplier: problem.groupOutputs,
          weights: run.weights + offset, epilogue,
          into: Destination(run.result.row(pixel), stride: geometry.stride.width * run.result.stride))
        offset += phase.count * column.count * problem.outputChannels
      }
    }
  }
}
