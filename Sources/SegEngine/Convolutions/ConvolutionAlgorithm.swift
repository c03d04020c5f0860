/// One way to compute a convolution. Each algorithm is a file with the same four parts: whether it applies to a problem, what it
/// demands of the machine, how it packs the weights, and how it computes one tile of the output.
protocol ConvolutionAlgorithm: Sendable {
  /// The name in reports and in ``CompileOptions/convolutionAlgorithm``.
  static var name: String { get }

  /// Sets the algorithm up for a problem, or gives `nil` where it does not apply.
  init?(_ problem: ConvolutionProblem, on backend: any Backend)

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
  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>)

  /// Tiles that are computed by themselves.
  var tileCount: Int { get }

  /// Scratch memory of one worker in floats.
  var scratchCount: Int { get }

  /// Computes a tile of the output, bias and activation included.
  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>)
}

/// The operands of one run of a convolution.
struct ConvolutionRun {
  let backend: any Backend
  let x: UnsafePointer<Float>
  /// Floats from one input pixel to the next.
  let xStride: Int
  let weights: UnsafePointer<Float>
  /// One number an output channel, where there is a bias.
  let bias: UnsafePointer<Float>?
  let function: ElementwiseFunction
  let y: UnsafeMutablePointer<Float>
  /// Floats from one output pixel to the next.
  let yStride: Int

  /// Adds the bias and applies the function to `rows` pixels of `channels` channels at `y`, in place.
  func finish(_ y: UnsafeMutablePointer<Float>, rows: Int, firstChannel: Int, channels: Int) {
    guard bias != nil || function != .identity else { return }
    backend.affine(
      y, xStride: yStride, scale: nil, shift: bias.map { $0 + firstChannel }, residual: nil, residualStride: 0,
      function,
      y, yStride: yStride, rows: rows, channels: channels)
  }

  /// Writes the bias, or zeros, to `rows` pixels of `channels` channels at `y`.
  func start(_ y: UnsafeMutablePointer<Float>, rows: Int, firstChannel: Int, channels: Int) {
    for row in 0..<rows {
      if let bias {
        (y + row * yStride).update(from: bias + firstChannel, count: channels)
      } else {
        (y + row * yStride).update(repeating: 0, count: channels)
      }
    }
  }
}

/// What an algorithm asks of the machine, from which its time is estimated.
struct AlgorithmDemand: Sendable {
  /// Multiply–adds in products.
  var productMacs = 0.0
  /// The rate of those products as a share of that of a large sgemm.
  var productEfficiency = 1.0
  /// Operations in vector kernels.
  var vectorOperations = 0.0
  /// Bytes that are written to and read from memory beside the products.
  var bytesMoved = 0.0

  /// The time on one core of the project's kind of machine, in seconds: 75 G multiply–adds a second in a large sgemm, 20 G
  /// vector operations, 12 GB moved. Only the order of the algorithms matters here.
  var seconds: Double {
    productMacs / (75e9 * productEfficiency) + vectorOperations / 20e9 + bytesMoved / 12e9
  }
}

/// The algorithms, and the choice between them.
enum ConvolutionAlgorithms {
  static let all: [any ConvolutionAlgorithm.Type] = [
    DepthwiseConvolution.self, PointwiseConvolution.self, ShiftedProducts.self, TiledIm2Col.self,
    TransposedReshuffle.self, TransposedScatter.self,
  ]

  /// The algorithm of that name where it applies, else the one with the shortest estimated time.
  ///
  /// Some algorithm applies to every problem: ``TiledIm2Col`` forward, ``TransposedScatter`` transposed.
  static func choose(
    for problem: ConvolutionProblem, on backend: any Backend, named name: String? = nil
  ) -> any ConvolutionAlgorithm {
    let candidates = all.compactMap { $0.init(problem, on: backend) }
    if let forced = candidates.first(where: { type(of: $0).name == name }) { return forced }
    guard let best = candidates.min(by: { $0.demand.seconds < $1.demand.seconds }) else {
      preconditionFailure("no algorithm for the convolution \(problem.geometry)")
    }
    return best
  }
}

extension ConvolutionProblem {
  /// What one run costs, by the definition of a convolution or its transpose with operands x, weights and perhaps a bias.
  func cost(inputs: [TensorSpec], outputs: [TensorSpec], function: ElementwiseFunction) -> Cost {
    Cost(
      macs: macs,
      otherOperations: outputs[0].shape.elementCount * ((inputs.count > 2 ? 1 : 0) + function.operationCount),
      parameters: inputs.dropFirst().reduce(0) { $0 + $1.shape.elementCount }, reading: inputs, writing: outputs)
  }

  /// The operator that is ready to run, by the algorithm that the compilation names or the estimates choose.
  func prepared(_ context: PreparationContext, function: ElementwiseFunction) -> PreparedOperator {
    ConvolutionAlgorithms.choose(for: self, on: context.backend, named: context.options.convolutionAlgorithm)
      .prepared(context, function: function)
  }
}

extension ConvolutionAlgorithm {
  /// Joins the algorithm with its weights to an operator that is ready to run: inputs x, weights and perhaps a bias.
  func prepared(_ context: PreparationContext, function: ElementwiseFunction) -> PreparedOperator {
    let weights = context.constants[1].map { constant in
      context.packed(Self.name + "/" + packing) {
        var packed = Tensor(zeros: [packedCount])
        constant.withUnsafeElements(of: Float.self) { weights in
          packed.withUnsafeMutableElements { pack(weights.baseAddress!, into: $0.baseAddress!) }
        }
        return packed
      }
    }
    // Weights that are computed by the network itself are packed at each run, into the front of the scratch memory.
    let packingSpace = weights == nil ? (packedCount + 15) / 16 * 16 : 0
    let workerSpace = (scratchCount + 15) / 16 * 16
    let hasBias = context.inputs.count > 2
    return PreparedOperator(
      workspaceByteCount: 4 * (packingSpace + workerSpace * context.backend.workers.threadCount), algorithm: Self.name
    ) { context in
      let scratch = context.scratch
      if weights == nil { pack(context.input(1).floats, into: scratch) }
      let bias = hasBias ? context.input(2).floats : nil
      let (x, y) = (context.input(0), context.output())
      func runTiles(_ weights: UnsafePointer<Float>) {
        let run = ConvolutionRun(
          backend: context.backend, x: x.floats, xStride: x.rowStride, weights: weights, bias: bias, function: function,
          y: y.floats, yStride: y.rowStride)
        context.backend.workers.forEach(tileCount) { tile, worker in
          runTile(tile, run, scratch: scratch + packingSpace + worker * workerSpace)
        }
      }
      if let weights {
        weights.withUnsafeElements { runTiles($0.baseAddress!) }
      } else {
        runTiles(scratch)
      }
    }
  }
}

/// Cuts `count` into pieces of nearly equal size, none above `largest`, at least `atLeast` of them where there are as many.
struct EvenPieces: Sendable {
  let count: Int
  let pieces: Int
  let size: Int

  init(_ count: Int, largest: Int, atLeast: Int = 1, multipleOf unit: Int = 1) {
    self.count = count
    let wanted = max((count + largest - 1) / max(1, largest), min(atLeast, count), 1)
    let even = (count + wanted - 1) / wanted
    size = max(1, min((even + unit - 1) / unit * unit, max(largest, 1)))
    pieces = max(1, (count + size - 1) / size)
  }

  subscript(index: Int) -> Range<Int> { index * size..<min(count, (index + 1) * size) }
}
