/// The list of convolution algorithms, and the choice between them.
enum ConvolutionAlgorithms {
  /// All algorithms. A new algorithm takes a file and an entry in this list.
  static let all: [ConvolutionMethod] = [
    DepthwiseConvolution.method, PointwiseConvolution.method, StrassenConvolution.method, DirectConvolution.method,
    WinogradConvolution.method(.isolatedTwo, .isolated(pixels: 2)),
    WinogradConvolution.method(.isolatedThree, .isolated(pixels: 3)), WinogradConvolution.method(.two),
    WinogradConvolution.method(.three), WinogradConvolution.method(.four, isFrequent: true),
    WinogradConvolution.method(.six, isFrequent: true),
    WinogradConvolution.method(.transposedFive, .transposedWinograd),
    WinogradConvolution.method(.transposedSeven, .transposedWinograd), TiledIm2Col.method, TransposedReshuffle.method,
    TransposedStrassen.method, TransposedDepthwise.method, TransposedDirect.method, TransposedScatter.method,
  ]

  /// The algorithms whose products are in bfloat16, beside those of ``all``.
  static let bfloat16: [ConvolutionMethod] = [WinogradConvolution.method(.six, precision: .bfloat16)]

  /// Returns the algorithms that apply, at least one: ``TiledIm2Col`` supports every forward problem, ``TransposedScatter`` every
  /// transposed one. To a transposed problem of stride 1 the forward ones apply too (``ConvolutionProblem/turned``). None apply to a number
  /// format without kernels on the device.
  ///
  /// - Parameters:
  ///   - others: The user's algorithms.
  ///   - precision: The format of factors; that of weights which the network computes is float32.
  ///   - isExact: Whether only algorithms apply that sum the products of the definition; see ``Convolution/isExact``.
  static func candidates(
    for problem: ConvolutionProblem, in elementType: ElementType = .float32, on device: ComputeDevice,
    adding others: [ConvolutionMethod] = [], precision: ProductPrecision = .float32, exactly isExact: Bool = false
  ) -> [any ConvolutionAlgorithm] {
    let turned = problem.turned
    func make(_ method: ConvolutionMethod, _ turned: ConvolutionProblem?) -> (any ConvolutionAlgorithm)? {
      guard device.kernels(for: method.kind.operation, in: elementType) != nil else { return nil }
      return method.make(problem, device) ?? turned.flatMap { method.make($0, device) }
    }
    // The user's algorithms know no turned weights.
    let reduced = precision == .bfloat16 && device.kernels.multipliesBFloat16 && !isExact ? bfloat16 : []
    return ((isExact ? all.filter(\.sumsProducts) : all) + reduced).compactMap { make($0, turned) }
      + (isExact ? [] : others).compactMap { make($0, nil) }
  }

  /// The chosen algorithm, and the candidates, the fastest first.
  struct Choice {
    let algorithm: any ConvolutionAlgorithm
    let candidates: [AlgorithmCandidate]
  }

  /// The largest ratio of an algorithm's estimated time to the fastest one's for which it is measured.
  private static let measuredWithin = 3.0

  /// The bytes that are moved for each byte of weights that are packed in a run, and for each of their sums of quarters.
  private static let packingBytes = (plain: 2.0, sums: 32.0)

  /// Estimates the work of packing weights that the network computes, in each run.
  private static func packing(_ algorithm: any ConvolutionAlgorithm) -> WorkEstimate {
    var work = WorkEstimate()
    let bytes = algorithm.method.dividesChannels ? packingBytes.sums : packingBytes.plain
    if !algorithm.packsWhileRunning { work.bytesMoved = Double(algorithm.packedByteCount) * bytes }
    return work
  }

  /// Chooses an algorithm.
  ///
  /// - Parameter isPacking: Whether each run packs the weights, because the network computes them.
  static func choose(
    for problem: ConvolutionProblem, in elementType: ElementType = .float32, on device: ComputeDevice,
    _ options: CompileOptions = .init(), exactly isExact: Bool = false, packing isPacking: Bool = false
  ) -> Choice {
    let threads = device.workers.threadCount
    func seconds(_ work: WorkEstimate) -> Double { options.profile.seconds(for: work, threads: threads) }
    var ranked = candidates(
      for: problem, in: elementType, on: device, adding: options.convolutionAlgorithms,
      precision: isPacking ? .float32 : options.precision, exactly: isExact
    ).map { algorithm in
      (
        algorithm,
        AlgorithmCandidate(
          name: algorithm.name,
          estimatedSeconds: seconds(algorithm.work) + (isPacking ? seconds(packing(algorithm)) : 0),
          measuredSeconds: nil, weightByteCount: algorithm.packedByteCount,
          workspaceByteCount: ElementType.float32.byteCount(of: algorithm.scratchCount(threads: threads)))
      )
    }.sorted { $0.1.estimatedSeconds < $1.1.estimatedSeconds }
    guard let fastest = ranked.first?.1.estimatedSeconds else {
      preconditionFailure("no algorithm for the convolution \(problem.geometry) of \(elementType)")
    }
    switch options.algorithmChoice {
    case .estimated: break
    case .measured:
      for index in ranked.indices where ranked[index].1.estimatedSeconds <= fastest * measuredWithin {
        ranked[index].1.measuredSeconds = AlgorithmTiming.seconds(of: ranked[index].0, problem, on: device)
      }
      // Candidates that were not measured come last.
      ranked.sort {
        ($0.1.measuredSeconds ?? .infinity, $0.1.estimatedSeconds) < (
          $1.1.measuredSeconds ?? .infinity, $1.1.estimatedSeconds
        )
      }
    case .named(let name):
      if let index = ranked.firstIndex(where: { $0.1.name == name }) { ranked.insert(ranked.remove(at: index), at: 0) }
    }
    return Choice(algorithm: ranked[0].0, candidates: ranked.map(\.1))
  }
}

extension ConvolutionProblem {
  /// Makes the prepared operator, by the algorithm named in the options or by the one with the lowest time. With `pools`, its output 1 is
  /// ``PoolingConvolution/pool`` of output 0.
  func prepared(
    _ context: PreparationContext, function: ElementwiseFunction, hasResidual: Bool = false, pools: Bool = false,
    exactly isExact: Bool = false
  ) -> PreparedOperator {
    let choice = ConvolutionAlgorithms.choose(
      for: self, in: context.inputs[0].elementType, on: context.device, context.options, exactly: isExact,
      packing: context.constants[1] == nil)
    var prepared = choice.algorithm.prepared(
      context, function: function, hasResidual: hasResidual, pools: pools, candidates: choice.candidates)
    prepared.work = work(of: choice.algorithm)
    return prepared
  }

  /// Returns the work of an algorithm for this problem, with the columns of its products.
  func work(of algorithm: any ConvolutionAlgorithm) -> WorkEstimate {
    var work = algorithm.work
    work.columns = groupOutputs
    return work
  }
}
