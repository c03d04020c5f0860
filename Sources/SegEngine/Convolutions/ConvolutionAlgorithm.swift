/// A convolution algorithm that is set up for a ``ConvolutionProblem``: its work estimate, its packing of weights, and its run.
///
/// A ``ConvolutionMethod`` makes it. A user's algorithms are passed in ``CompileOptions/convolutionAlgorithms``.
public protocol ConvolutionAlgorithm: Sendable {
  /// The method that made it, with its name and purpose.
  var method: ConvolutionMethod { get }

  /// The work of one run, from which its time is estimated.
  var work: WorkEstimate { get }

  /// The format of the packed weights.
  var packedFormat: PackedFormat { get }

  /// The number of packed weights, in elements of the format's type.
  var packedCount: Int { get }

  /// Packs weights from the checkpoint's layout.
  ///
  /// That layout is `[out, in / groups, kernelHeight, kernelWidth]`, or transposed `[in, out / groups, kernelHeight, kernelWidth]`.
  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool)

  /// Packs weights with scratch memory of ``packingScratchCount(threads:)`` floats, 64-byte aligned. Weights that the network computes are
  /// packed in each run, without an allocation.
  func pack(
    _ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
    over workers: WorkerPool)

  /// Returns the size of the scratch memory for packing in floats, for a thread count.
  func packingScratchCount(threads: Int) -> Int

  /// Returns the size of the scratch memory for a run in floats, for a thread count.
  func scratchCount(threads: Int) -> Int

  /// Computes the output with its epilogue, split over the workers.
  func run(_ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>)

  /// Whether a run can also compute the 2 × 2 max pooling of its output.
  var pools: Bool { get }

  /// Whether a run reads weights that the network computes as they are, without packing them before (``ConvolutionRun/isPacked``).
  var packsWhileRunning: Bool { get }
}

extension ConvolutionAlgorithm {
  /// The name in reports.
  var name: String { method.name }

  /// The default: the algorithm does not pool.
  public var pools: Bool { false }

  /// Size of the packed weights in bytes.
  var packedByteCount: Int { packedFormat.byteCount(of: packedCount) }

  /// Makes the format of float32 weights packed for this algorithm.
  func float32Format(_ order: String, panels: PanelLayout? = nil) -> PackedFormat {
    PackedFormat(name, .float32, order, panels: panels)
  }

  /// The default: computed weights are packed before the run.
  public var packsWhileRunning: Bool { false }

  /// Returns the default: packing takes no scratch memory.
  public func packingScratchCount(threads: Int) -> Int { 0 }

  /// Packs without scratch memory.
  public func pack(
    _ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
    over workers: WorkerPool
  ) {
    pack(weights, into: packed, over: workers)
  }
}

extension ConvolutionAlgorithm {
  /// Packs the weights and makes a prepared operator. Its inputs are x, weights, optionally a bias, and with `hasResidual` a map that is
  /// added to the output. With `pools`, output 1 is the pooled output 0.
  func prepared(
    _ context: PreparationContext, function: ElementwiseFunction, hasResidual: Bool, pools: Bool,
    candidates: [AlgorithmCandidate]
  ) -> PreparedOperator {
    let workers = context.workers
    let weights = context.constants[1].map { constant in
      context.packed(packedFormat, byteCount: packedByteCount) { packed in
        constant.withUnsafeElements(of: Float.self) {
          pack($0.baseAddress!, into: packed.bindMemory(to: Float.self, capacity: packedCount), over: workers)
        }
      }
    }
    // Weights that the network computes are packed at each run, at the start of the scratch memory. Packing uses the run's scratch memory,
    // because the run begins afterwards.
    let packs = weights == nil && !packsWhileRunning
    let packingSpace = packs ? (packedCount + 15) / 16 * 16 : 0
    let packingScratch = packs ? packingScratchCount(threads: workers.threadCount) : 0
    let operands = context.inputs.count - (hasResidual ? 1 : 0)
    return PreparedOperator(
      workspaceByteCount: ElementType.float32.byteCount(
        of: packingSpace + max(packingScratch, scratchCount(threads: workers.threadCount))),
      algorithm: name,
      candidates: candidates, packedInputs: weights == nil ? [] : [1]
    ) { context in
      let scratch = context.scratch
      if packs {
        pack(context.input(1).floats, into: scratch, scratch: scratch + packingSpace, over: context.workers)
      }
      let bias = operands > 2 ? context.input(2).floats : nil
      let residual = hasResidual ? context.input(operands) : nil
      let (x, y) = (context.input(0), context.output())
      let pooled = pools ? context.output(1) : nil
      func runAll(_ weights: UnsafePointer<Float>, isPacked: Bool = true) {
        run(
          ConvolutionRun(
            device: context.device, x: x.floats, xStride: x.rowStride, weights: weights, isPacked: isPacked,
            epilogue: Epilogue(
              shift: bias, residual: residual?.floats, residualStride: residual?.rowStride ?? 0, function: function),
            result: Destination(y.floats, stride: y.rowStride), pooled: self.pools ? pooled?.floats : nil,
            pooledStride: pooled?.rowStride ?? 0),
          scratch: scratch + packingSpace)
      }
      if let weights {
        weights.withUnsafeBytes { runAll($0.baseAddress!.assumingMemoryBound(to: Float.self)) }
      } else if packs {
        runAll(scratch)
      } else {
        runAll(context.input(1).floats, isPacked: false)
      }
      if let pooled, !self.pools {
        let map = TensorView(base: y.base, spec: y.spec, rowStride: y.rowStride)
        PoolingConvolution.pool.run(map, pooled, on: context.device)
      }
    }
  }
}
