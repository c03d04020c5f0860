/// One way to compute a convolution. Each algorithm is a file with the same four parts: whether it applies to a problem, what it
/// demands of the machine, how it packs the weights, and how it runs.
protocol ConvolutionAlgorithm: Sendable {
  /// What it is called and what it is for.
  var method: ConvolutionMethod { get }

  /// What one run asks of the machine.
  var demand: AlgorithmDemand { get }

  /// The name of the packed form of the weights; equal names mean equal forms.
  var packing: String { get }

  /// Number of floats of the packed weights.
  var packedCount: Int { get }

  /// Brings weights from the checkpoint's layout into the packed form.
  ///
  /// The checkpoint's is `[out, in / groups, kernelHeight, kernelWidth]`, transposed `[in, out / groups, kernelHeight,
  /// kernelWidth]`.
  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool)

  /// The same in scratch memory of ``packingScratchCount(threads:)`` floats, 64-byte aligned, so that weights which the network computes
  /// itself are packed without an allocation.
  func pack(
    _ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
    over workers: WorkerPool)

  /// Scratch memory of packing in floats, for so many threads.
  func packingScratchCount(threads: Int) -> Int

  /// Scratch memory of a run in floats, for so many threads.
  func scratchCount(threads: Int) -> Int

  /// Computes the output, bias, residual and activation included, split over the backend's workers.
  func run(_ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>)

  /// Whether a run also pools its output where it is asked to.
  var pools: Bool { get }
}

extension ConvolutionAlgorithm {
  /// The name in reports.
  var name: String { method.name }

  var pools: Bool { false }

  func packingScratchCount(threads: Int) -> Int { 0 }

  func pack(
    _ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
    over workers: WorkerPool
  ) {
    pack(weights, into: packed, over: workers)
  }
}

/// An algorithm that computes tiles of the output, each by itself.
protocol TiledConvolutionAlgorithm: ConvolutionAlgorithm {
  /// Number of tiles.
  var tileCount: Int { get }

  /// Scratch memory of one worker in floats.
  var tileScratchCount: Int { get }

  /// Computes a tile of the output, bias, residual and activation included.
  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>)
}

extension TiledConvolutionAlgorithm {
  private var alignedScratchCount: Int { (tileScratchCount + 15) / 16 * 16 }

  func scratchCount(threads: Int) -> Int { threads * alignedScratchCount }

  func run(_ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let perWorker = alignedScratchCount
    run.workers.forEach(tileCount) { tile, worker in runTile(tile, run, scratch: scratch + worker * perWorker) }
  }
}

/// The operands of one run of a convolution.
struct ConvolutionRun {
  let device: ComputeDevice
  let x: UnsafePointer<Float>
  /// Floats from one input pixel to the next.
  let xStride: Int
  let weights: UnsafePointer<Float>
  /// Bias, residual and function. Rows of the residual are output pixels.
  let epilogue: Epilogue
  /// Where the output pixels go.
  let result: Destination
  /// Where the maxima of 2 × 2 outputs go, if the algorithm is asked for them: ``PoolingConvolution/pool``.
  var pooled: UnsafeMutablePointer<Float>? = nil
  /// Floats from one pooled pixel to the next.
  var pooledStride = 0

  var kernels: any Kernels { device.kernels }
  var workers: WorkerPool { device.workers }

  /// Whether the residual lies where the output goes.
  var addsInPlace: Bool { epilogue.residual == UnsafePointer(result.y) }

  /// Applies the epilogue to the sums of `rows` pixels from the output's pixel `pixel` on, in place. A residual that lies there has been
  /// added before.
  func finish(pixel: Int, rows: Int, channels: Int) {
    var epilogue = epilogue.part(row: pixel)
    if addsInPlace { epilogue.residual = nil }
    guard !epilogue.isIdentity else { return }
    let target = result.part(row: pixel)
    kernels.affine(target.y, xStride: target.stride, epilogue, into: target, rows: rows, channels: channels)
  }

  /// The product of rows with packed weights that gives `count` pixels from the output's pixel `pixel` on, `channels` channels from
  /// `firstChannel` on, with the epilogue.
  func product(
    _ rows: PanelOperands.Rows, pixel: Int, count: Int, taps: Int = 1, depth: Int, panels: UnsafePointer<Float>,
    firstChannel: Int = 0, channels: Int
  ) {
    kernels.panelProduct(
      PanelOperands(
        rows: rows, rowCount: count, taps: taps, depth: depth, panels: panels, columns: channels,
        epilogue: epilogue.part(row: pixel, column: firstChannel),
        into: result.part(row: pixel, column: firstChannel)))
  }
}

extension ConvolutionAlgorithm {
  /// Joins the algorithm with its weights to an operator that is ready to run: inputs x, weights, perhaps a bias, and with
  /// `hasResidual` as the last one a map that is added to the output. With `pools` output 1 is the pooled output 0.
  func prepared(
    _ context: PreparationContext, function: ElementwiseFunction, hasResidual: Bool, pools: Bool,
    candidates: [AlgorithmCandidate]
  ) -> PreparedOperator {
    let workers = context.workers
    let weights = context.constants[1].map { constant in
      context.packed(name + "/" + packing, count: packedCount) { packed in
        constant.withUnsafeElements(of: Float.self) { pack($0.baseAddress!, into: packed, over: workers) }
      }
    }
    // Weights that are computed by the network itself are packed at each run, into the front of the scratch memory.
    // Packing takes the scratch memory of the run, which begins afterwards.
    let packingSpace = weights == nil ? (packedCount + 15) / 16 * 16 : 0
    let packingScratch = weights == nil ? packingScratchCount(threads: workers.threadCount) : 0
    let operands = context.inputs.count - (hasResidual ? 1 : 0)
    return PreparedOperator(
      workspaceByteCount: 4 * (packingSpace + max(packingScratch, scratchCount(threads: workers.threadCount))),
      algorithm: name,
      candidates: candidates, packedInputs: weights == nil ? [] : [1]
    ) { context in
      let scratch = context.scratch
      if weights == nil {
        pack(context.input(1).floats, into: scratch, scratch: scratch + packingSpace, over: context.workers)
      }
      let bias = operands > 2 ? context.input(2).floats : nil
      let residual = hasResidual ? context.input(operands) : nil
      let (x, y) = (context.input(0), context.output())
      let pooled = pools ? context.output(1) : nil
      func runAll(_ weights: UnsafePointer<Float>) {
        run(
          ConvolutionRun(
            device: context.device, x: x.floats, xStride: x.rowStride, weights: weights,
            epilogue: Epilogue(
              shift: bias, residual: residual?.floats, residualStride: residual?.rowStride ?? 0, function: function),
            result: Destination(y.floats, stride: y.rowStride), pooled: self.pools ? pooled?.floats : nil,
            pooledStride: pooled?.rowStride ?? 0),
          scratch: scratch + packingSpace)
      }
      if let weights {
        weights.withUnsafeElements { runAll($0.baseAddress!) }
      } else {
        runAll(scratch)
      }
      if let pooled, !self.pools {
        let map = TensorView(base: y.base, spec: y.spec, rowStride: y.rowStride)
        PoolingConvolution.pool.run(map, pooled, on: context.device)
      }
    }
  }
}
