/// Transposed convolution of any geometry whose products give finished outputs. Output y = φ + s · u along an axis of stride s, padding p and
/// dilation r receives tap a from input (y + p − a · r) / s where that is a whole number, so all outputs of a phase φ have the same taps. A list
/// of addresses says which pixel each tap of each output reads, as in ``DirectConvolution``, and the sums over all taps stay in registers.
///
/// Tiles are bands of output rows, in which the phases are computed one after another.
struct TransposedDirect: TiledConvolutionAlgorithm {
  static let method = ConvolutionMethod("transposed direct", .transposed) { TransposedDirect($0, on: $1) }
  var method: ConvolutionMethod { TransposedDirect.method }

  private let problem: ConvolutionProblem
  /// The phases, those of a row of the kernel's stride one after another.
  private let phases: [Phase]
  /// Bands of the rows of a phase.
  private let bands: EvenPieces
  /// Whether each output receives something.
  private let isCovered: Bool

  /// The outputs of a phase.
  private struct Phase: Sendable {
    /// Its first output.
    let row, column: Int
    /// Its outputs along the width.
    let width: Int
    /// For each of its taps, the pixel that output u = 0 reads.
    let sources: [Source]
    /// The weights of one group: rows are (tap, input channel), columns output channels.
    let matrix: PanelMatrix
    /// Where its packed weights begin.
    let offset: Int
  }

  private struct Source: Sendable {
    let row, column: Int
  }

  init?(_ problem: ConvolutionProblem, on device: ComputeDevice) {
    let (geometry, weights) = (problem.geometry, problem.weights)
    guard problem.direction == .transposed, problem.groupInputs >= 12 else { return nil }
    self.problem = problem
    let (kernel, stride, dilation) = (geometry.kernel, geometry.stride, geometry.dilation)
    var phases: [Phase] = []
    var offset = 0
    for row in 0..<min(stride.height, problem.output.height) {
      for column in 0..<min(stride.width, problem.output.width) {
        var (sources, offsets): ([Source], [Int]) = ([], [])
        for i in 0..<kernel.height {
          for j in 0..<kernel.width {
            let y = row + geometry.padding.top - i * dilation.height
            let x = column + geometry.padding.left - j * dilation.width
            guard y % stride.height == 0, x % stride.width == 0 else { continue }
            sources.append(Source(row: y / stride.height, column: x / stride.width))
            offsets.append(weights.tap(i * kernel.width + j))
          }
        }
        let matrix = PanelMatrix(
          rowOffsets: offsets.flatMap { tap in (0..<problem.groupInputs).map { $0 * weights.input + tap } },
          columnOffsets: (0..<problem.groupOutputs).map { $0 * weights.output }, on: device)
        phases.append(
          Phase(
            row: row, column: column, width: (problem.output.width - column + stride.width - 1) / stride.width,
            sources: sources, matrix: matrix, offset: offset))
        offset += geometry.groups * matrix.count
      }
    }
    self.phases = phases
    zeros = offset
    isCovered = phases.allSatisfy { !$0.sources.isEmpty }
    let rows = (problem.output.height + stride.height - 1) / stride.height
    let bytes = ElementType.float32.byteCount(of: offset)
    let pixels = bytes > 1 << 23 ? 384 : bytes > 1 << 20 ? 192 : 96
    let threads = device.workers.threadCount
    bands = EvenPieces(
      rows, largest: max(1, pixels / max(1, phases[0].width)), atLeast: threads == 1 ? 1 : 2 * threads)
  }

  var work: WorkEstimate {
    var work = WorkEstimate()
    let (images, groups) = (Double(problem.batch), Double(problem.geometry.groups))
    for phase in phases {
      let rows =
        (problem.output.height - phase.row + problem.geometry.stride.height - 1) / problem.geometry.stride.height
      let pixels = images * Double(rows * phase.width)
      work.panelMacs += pixels * groups * Double(phase.matrix.count)
      work.panelResults += pixels * Double(problem.outputChannels)
      work.bytesMoved += pixels * Double(16 * phase.sources.count)
    }
    work.weightBytes = Double(tileCount * packedByteCount)
    return work
  }

  /// A matrix for each phase and group, followed by the zeros for padding.
  var packedFormat: PackedFormat {
    float32Format("phases, \(problem.inputChannels) zeros", panels: phases[0].matrix.layout)
  }
  private let zeros: Int
  var packedCount: Int { zeros + problem.inputChannels }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool) {
    for phase in phases where !phase.sources.isEmpty {
      for group in 0..<problem.geometry.groups {
        phase.matrix.pack(
          weights + group * problem.weights.group, into: packed + phase.offset + group * phase.matrix.count,
          over: workers)
      }
    }
    (packed + zeros).update(repeating: 0, count: problem.inputChannels)
  }

  var tileCount: Int { problem.batch * bands.pieces }

  /// Pointers, of two floats each.
  var tileScratchCount: Int {
    2 * bands.size * phases.reduce(0) { max($0, $1.width * $1.sources.count) }
  }

  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let (image, piece) = tile.quotientAndRemainder(dividingBy: bands.pieces)
    let (band, stride, output) = (bands[piece], problem.geometry.stride, problem.output)
    let firstRow = band.lowerBound * stride.height
    let rowCount = min(band.upperBound * stride.height, output.height) - firstRow
    let first = (image * output.height + firstRow) * output.width
    let x = run.x + image * problem.inputPixels * run.xStride
    let padding = run.weights + zeros
    let addresses = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: UnsafePointer<Float>.self)
    // A residual, whose rows are no groups, is added to whole rows of outputs afterwards.
    let isFinished = isCovered && run.epilogue.residual == nil
    let (groupInputs, groupOutputs) = (problem.groupInputs, problem.groupOutputs)
    for phase in phases {
      let rows = (rowCount - phase.row + stride.height - 1) / stride.height
      guard rows > 0 else { continue }
      guard !phase.sources.isEmpty else {
        if run.accumulates { continue }
        for row in 0..<rows {
          for column in 0..<phase.width {
            let pixel =
              first + (phase.row + row * stride.height) * output.width + phase.column + column * stride.width
            run.result.row(pixel).update(repeating: 0, count: problem.outputChannels)
          }
        }
        continue
      }
      var target = addresses
      for source in phase.sources {
        for row in band.lowerBound..<band.lowerBound + rows {
          let y = row + source.row
          guard (0..<problem.input.height).contains(y) else {
            target.update(repeating: padding, count: phase.width)
            target += phase.width
            continue
          }
          let line = x + y * problem.input.width * run.xStride
          for column in source.column..<source.column + phase.width {
            target.pointee = (0..<problem.input.width).contains(column) ? line + column * run.xStride : padding
            target += 1
          }
        }
      }
      for group in 0..<problem.geometry.groups {
        var product = PanelOperands(
          rows: .pointed(addresses, padding: padding, offset: group * groupInputs), rowCount: rows * phase.width,
          taps: phase.sources.count, depth: groupInputs,
          panels: run.weights + phase.offset + group * phase.matrix.count, columns: groupOutputs,
          epilogue: isFinished ? run.epilogue.part(column: group * groupOutputs) : Epilogue(),
          into: Destination(
            run.result.row(first + phase.row * output.width + phase.column) + group * groupOutputs,
            stride: stride.width * run.result.stride,
            group: (phase.width, stride.height * output.width * run.result.stride)))
        product.accumulates = run.accumulates
        run.kernels.panelProduct(product)
      }
    }
    if !isFinished { run.finish(pixel: first, rows: rowCount * output.width, channels: problem.outputChannels) }
  }
}
