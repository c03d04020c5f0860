/// A depthwise convolution with the 1×1 convolutions around it, computed a few rows at a time. The rows of the expanded map are written to
/// a ring buffer of as many rows as the kernel spans, and read from it by the depthwise convolution. Its output rows are projected while
/// they are in cache.
struct SeparableRows: Sendable {
  private let expansion: Stage<PointwiseConvolution>?
  private let depthwise: Stage<DepthwiseConvolution>
  private let projection: Stage<PointwiseConvolution>?
  private let addsResidual: Bool
  /// The number of rows that are expanded at once, and the rows of the ring buffer, a multiple of it.
  private let expandedRows, ringRows: Int
  /// The number of output rows that are projected at once.
  private let projectedRows: Int
  /// The ranges of output rows of an image, each computed by one worker.
  private let pieces: EvenPieces

  /// A convolution of the chain.
  private struct Stage<Algorithm: ConvolutionAlgorithm>: Sendable {
    let algorithm: Algorithm
    let problem: ConvolutionProblem
    let function: ElementwiseFunction
    /// The index of the input with its weights; the next input is its bias.
    let input: Int
  }

  /// The fewest pixels of a product, so that its rows fill whole blocks.
  private static let productPixels = 48

  /// Computes the rows of a ring buffer for a kernel that spans `span` rows, of which `step` are computed at once.
  static func ringRows(span: Int, step: Int) -> Int { ((span + step - 2) / step + 1) * step }

  /// Computes the number of rows of `width` pixels in a product.
  static func productRows(width: Int, height: Int) -> Int { min(height, (productPixels + width - 1) / width) }

  /// Prepares the chain; `nil` unless it is a depthwise convolution with a 1×1 convolution before it, after it, or both.
  init?(
    _ problems: [ConvolutionProblem], functions: [ElementwiseFunction], addsResidual: Bool, on device: ComputeDevice
  ) {
    guard let index = problems.firstIndex(where: { DepthwiseConvolution($0, on: device) != nil }), index <= 1,
      problems.count >= 2, problems.count <= index + 2,
      let depthwise = DepthwiseConvolution(problems[index], on: device, inParts: false)
    else { return nil }
    func pointwise(_ index: Int) -> Stage<PointwiseConvolution>? {
      guard problems.indices.contains(index), let algorithm = PointwiseConvolution(problems[index], on: device) else {
        return nil
      }
      return Stage(
        algorithm: algorithm, problem: problems[index], function: functions[index], input: 1 + 2 * index)
    }
    self.depthwise = Stage(
      algorithm: depthwise, problem: problems[index], function: functions[index], input: 1 + 2 * index)
    expansion = pointwise(index - 1)
    projection = pointwise(index + 1)
    guard (expansion == nil ? 0 : 1) + (projection == nil ? 0 : 1) + 1 == problems.count else { return nil }
    self.addsResidual = addsResidual

    let problem = problems[index]
    let geometry = problem.geometry
    let span = (geometry.kernel.height - 1) * geometry.dilation.height + 1
    expandedRows = SeparableRows.productRows(width: problem.input.width, height: problem.input.height)
    ringRows = SeparableRows.ringRows(span: span, step: expandedRows)
    projectedRows = SeparableRows.productRows(width: problem.output.width, height: problem.output.height)
    // A piece expands again the rows that it shares with the piece before, so pieces are large compared with these.
    let threads = device.workers.threadCount
    let shared = expansion == nil ? 0 : max(0, span - geometry.stride.height)
    let affordable = shared == 0 ? 8 * threads : problem.output.height * geometry.stride.height / (8 * shared)
    pieces = EvenPieces(
      problem.output.height, largest: problem.output.height,
      atLeast: threads == 1 ? 1 : max(threads, min(4 * threads, affordable)), multipleOf: projectedRows)
  }

  private var ringCount: Int {
    expansion == nil ? 0 : ringRows * depthwise.problem.input.width * depthwise.problem.inputChannels
  }
  private var projectedCount: Int {
    projection == nil ? 0 : projectedRows * depthwise.problem.output.width * depthwise.problem.outputChannels
  }
  private var scratchCount: Int { (ringCount + 15) / 16 * 16 + (projectedCount + 15) / 16 * 16 }

  /// Packs the weights and makes a prepared operator.
  func prepared(_ context: PreparationContext) -> PreparedOperator {
    let workers = context.workers
    func packed<A>(_ stage: Stage<A>) -> Tensor {
      guard let constant = context.constants[stage.input] else {
        preconditionFailure("the weights of a separable convolution are constants")
      }
      let algorithm = stage.algorithm
      return context.packed(
        algorithm.packedFormat, ofInput: stage.input, byteCount: algorithm.packedByteCount
      ) { packed in
        constant.withUnsafeElements(of: Float.self) {
          algorithm.pack(
            $0.baseAddress!, into: packed.bindMemory(to: Float.self, capacity: algorithm.packedCount), over: workers)
        }
      }
    }
    let (expand, filter, project) = (expansion.map(packed), packed(depthwise), projection.map(packed))
    let stageInputs = [expansion?.input, depthwise.input, projection?.input].compactMap { $0 }
    let residualInput = addsResidual ? context.inputs.count - 1 : nil
    var prepared = PreparedOperator(
      workspaceByteCount: ElementType.float32.byteCount(of: workers.threadCount * scratchCount), algorithm: "rows",
      packedInputs: Set(stageInputs)
    ) { context in
      func pointer(_ tensor: Tensor?) -> UnsafePointer<Float>? {
        tensor?.withUnsafeBytes { $0.baseAddress!.assumingMemoryBound(to: Float.self) }
      }
      // The closure retains the tensors, so that their memory stays valid.
      withExtendedLifetime((expand, filter, project)) {
        let run = Run(
          context: context, expand: pointer(expand), filter: pointer(filter)!, project: pointer(project),
          residual: residualInput.map { context.input($0) })
        context.workers.forEach(depthwise.problem.batch * pieces.pieces) { index, worker in
          let (image, piece) = index.quotientAndRemainder(dividingBy: pieces.pieces)
          computeRows(pieces[piece], image: image, run, scratch: context.scratch + worker * scratchCount)
        }
      }
    }
    prepared.work = work
    return prepared
  }

  /// The sum of the stages' work, with the columns of the larger product.
  private var work: WorkEstimate {
    var work = depthwise.problem.work(of: depthwise.algorithm)
    // Every group of rows reads all weights.
    let groups = Double(
      depthwise.problem.batch * ((depthwise.problem.output.height + projectedRows - 1) / projectedRows))
    work.weightBytes =
      groups * Double((expansion?.algorithm.packedByteCount ?? 0) + (projection?.algorithm.packedByteCount ?? 0))
    var largest = 0.0
    for stage in [expansion, projection].compactMap({ $0 }) {
      let product = stage.problem.work(of: stage.algorithm)
      work.panelMacs += product.panelMacs
      work.panelResults += product.panelResults
      if product.panelMacs > largest { (largest, work.columns) = (product.panelMacs, product.columns) }
    }
    return work
  }

  /// The operands of one run.
  private struct Run {
    let context: RunContext
    let expand: UnsafePointer<Float>?
    let filter: UnsafePointer<Float>
    let project: UnsafePointer<Float>?
    let residual: TensorView?
  }

  private func computeRows(_ rows: Range<Int>, image: Int, _ run: Run, scratch: UnsafeMutablePointer<Float>) {
    let (problem, device) = (depthwise.problem, run.context.device)
    let geometry = problem.geometry
    let (x, y) = (run.context.input(0), run.context.output())
    let source = x.floats + image * problem.inputPixels * x.rowStride
    var window = problem.window(pixelStride: expansion == nil ? x.rowStride : problem.inputChannels)
    if expansion != nil { window.ringRows = ringRows }
    let span = (geometry.kernel.height - 1) * geometry.dilation.height + 1
    let between = scratch + (ringCount + 15) / 16 * 16
    // The first input row that is not yet expanded.
    var next = max(0, rows.lowerBound * geometry.stride.height - geometry.padding.top) / expandedRows * expandedRows

    for first in stride(from: rows.lowerBound, to: rows.upperBound, by: projectedRows) {
      let group = first..<min(first + projectedRows, rows.upperBound)
      let pixel = (image * problem.output.height + first) * problem.output.width
      for row in group {
        if let expansion, let panels = run.expand {
          let end = min(problem.input.height, row * geometry.stride.height - geometry.padding.top + span)
          while next < end {
            let count = min(expandedRows, problem.input.height - next)
            device.kernels.panelProduct(
              PanelOperands(
                rows: .strided(source + next * problem.input.width * x.rowStride, stride: x.rowStride),
                rowCount: count * problem.input.width, depth: expansion.problem.inputChannels, panels: panels,
                columns: problem.inputChannels,
                epilogue: Epilogue(
                  shift: run.context.input(expansion.input + 1).floats, function: expansion.function),
                into: Destination(
                  scratch + next % ringRows * problem.input.width * problem.inputChannels,
                  stride: problem.inputChannels)))
            next += expandedRows
          }
        }
        let offset = (row - first) * problem.output.width
        device.kernels.depthwise(
          window, image: expansion == nil ? source : UnsafePointer(scratch), outputRow: row,
          channels: problem.inputChannels, multiplier: problem.groupOutputs, weights: run.filter,
          Epilogue(shift: run.context.input(depthwise.input + 1).floats, function: depthwise.function),
          into: projection == nil
            ? Destination(y.floats + (pixel + offset) * y.rowStride, stride: y.rowStride)
            : Destination(between + offset * problem.outputChannels, stride: problem.outputChannels))
      }
      if let projection, let panels = run.project {
        device.kernels.panelProduct(
          PanelOperands(
            rows: .strided(UnsafePointer(between), stride: problem.outputChannels),
            rowCount: group.count * problem.output.width, depth: problem.outputChannels, panels: panels,
            columns: projection.problem.outputChannels,
            epilogue: Epilogue(
              shift: run.context.input(projection.input + 1).floats,
              residual: run.residual.map { $0.floats + pixel * $0.rowStride },
              residualStride: run.residual?.rowStride ?? 0, function: projection.function),
            into: Destination(y.floats + pixel * y.rowStride, stride: y.rowStride)))
      }
    }
  }
}
