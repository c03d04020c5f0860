/// Depthwise convolution, with one or more kernels per channel, by a vector kernel along the channels.
///
/// If the rows that a kernel spans exceed a core's cache, groups of channels are computed one after another over the whole image, so that
/// each input is read from memory once.
struct DepthwiseConvolution: TiledConvolutionAlgorithm {
  static let method = ConvolutionMethod("depthwise", .depthwise) { DepthwiseConvolution($0, on: $1) }
  var method: ConvolutionMethod { DepthwiseConvolution.method }

  private let problem: ConvolutionProblem
  /// The channels of a group.
  private let channels: EvenPieces
  /// The output rows of a tile.
  private let rows: EvenPieces

  /// The most rows of a kernel that the vector kernels support.
  static let largestKernel = 64
  /// The most bytes of the rows that a kernel spans: they stay in a second-level cache.
  private static let spanBytes = 256 << 10

  /// - Parameter inParts: Whether channels may be computed in groups, by which the weights are then packed.
  init?(_ problem: ConvolutionProblem, on device: ComputeDevice, inParts: Bool = true) {
    let geometry = problem.geometry
    guard problem.direction == .forward, problem.groupInputs == 1, geometry.groups > 1,
      geometry.kernel.height <= DepthwiseConvolution.largestKernel
    else { return nil }
    self.problem = problem
    let threads = device.workers.threadCount
    let span = (geometry.kernel.height - 1) * geometry.dilation.height + 1
    let fitting = DepthwiseConvolution.spanBytes / ElementType.float32.byteCount(of: span * problem.input.width)
    if inParts, problem.groupOutputs == 1, fitting < problem.inputChannels {
      channels = EvenPieces(
        problem.inputChannels, largest: max(32, fitting / 16 * 16), atLeast: threads == 1 ? 1 : 4 * threads,
        multipleOf: 16)
      rows = EvenPieces(problem.output.height, largest: problem.output.height)
    } else {
      channels = EvenPieces(problem.inputChannels, largest: problem.inputChannels)
      rows = EvenPieces(
        problem.output.height, largest: problem.output.height, atLeast: threads == 1 ? 1 : 8 * threads)
    }
  }

  var work: WorkEstimate { problem.depthwiseWork }

  /// `[group of channels][tap, output channel]`
  var packedFormat: PackedFormat { float32Format("tap-major, \(channels.size) channels") }
  var packedCount: Int { problem.taps * problem.outputChannels }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool) {
    var target = packed
    let layout = problem.weights
    for piece in 0..<channels.pieces {
      let inputs = channels[piece]
      let outputs = inputs.lowerBound * problem.groupOutputs..<inputs.upperBound * problem.groupOutputs
      for tap in 0..<problem.taps {
        for output in outputs {
          let (group, own) = output.quotientAndRemainder(dividingBy: problem.groupOutputs)
          target.pointee = weights[group * layout.group + own * layout.output + layout.tap(tap)]
          target += 1
        }
      }
    }
  }

  var tileCount: Int { problem.batch * channels.pieces * rows.pieces }
  let tileScratchCount = 0

  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let (rest, rowPiece) = tile.quotientAndRemainder(dividingBy: rows.pieces)
    let (image, channelPiece) = rest.quotientAndRemainder(dividingBy: channels.pieces)
    let inputs = channels[channelPiece]
    let firstOutput = inputs.lowerBound * problem.groupOutputs
    let window = problem.window(pixelStride: run.xStride)
    let source = run.x + image * problem.inputPixels * run.xStride + inputs.lowerBound
    for row in rows[rowPiece] {
      let pixel = (image * problem.output.height + row) * problem.output.width
      run.kernels.depthwise(
        window, image: source, outputRow: row, channels: inputs.count, multiplier: problem.groupOutputs,
        weights: run.weights + firstOutput * problem.taps, run.epilogue.part(row: pixel, column: firstOutput),
        into: run.result.part(row: pixel, column: firstOutput))
    }
  }
}

extension ConvolutionProblem {
  /// The work of the depthwise kernel, forward or transposed: a vector operation for each multiply–add, and a store for each output.
  var depthwiseWork: WorkEstimate {
    var work = WorkEstimate()
    work.vectorOperations = Double(macs)
    work.bytesMoved = ElementType.float32.byteCount(of: Double(batch * outputPixels * outputChannels))
    return work
  }
}
