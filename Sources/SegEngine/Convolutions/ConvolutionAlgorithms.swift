/// The algorithms, and the choice between them.
enum ConvolutionAlgorithms {
  /// All of them: an algorithm is its file and its place in this list.
  static let all: [ConvolutionMethod] = [
    DepthwiseConvolution.method, PointwiseConvolution.method, StrassenConvolution.method, DirectConvolution.method,
    WinogradConvolution.method(.isolatedTwo, .isolated(pixels: 2)),
    WinogradConvolution.method(.isolatedThree, .isolated(pixels: 3)), WinogradConvolution.method(.two),
    WinogradConvolution.method(.three), WinogradConvolution.method(.four, isFrequent: true),
    WinogradConvolution.method(.six, isFrequent: true),
    WinogradConvolution.method(.transposedFive, .transposedWinograd),
    WinogradConvolution.method(.transposedSeven, .transposedWinograd), TiledIm2Col.method, TransposedReshuffle.method,
    TransposedStrassen.method, TransposedScatter.method,
  ]

  /// The algorithms that apply, at least one: ``TiledIm2Col`` takes every forward problem, ``TransposedScatter`` every transposed one.
  /// None apply to a number format for which the device has no kernels.
  ///
  /// - Parameter others: Algorithms from outside.
  static func candidates(
    for problem: ConvolutionProblem, in elementType: ElementType = .float32, on device: ComputeDevice,
    adding others: [ConvolutionMethod] = []
  ) -> [any ConvolutionAlgorithm] {
    (all + others).compactMap { method in
      device.kernels(for: method.kind.operation, in: elementType) == nil ? nil : method.make(problem, device)
    }
  }

  /// An algorithm, and what it was chosen from, the fastest first.
  struct Choice {
    let algorithm: any ConvolutionAlgorithm
    let candidates: [AlgorithmCandidate]
  }

  /// How much longer than the fastest an algorithm may be estimated to take and still be measured.
  private static let measuredWithin = 3.0

  static func choose(
    for problem: ConvolutionProblem, in elementType: ElementType = .float32, on device: ComputeDevice,
    _ options: CompileOptions = .init()
  ) -> Choice {
    let threads = device.workers.threadCount
    var ranked = candidates(
      for: problem, in: elementType, on: device, adding: options.convolutionAlgorithms
    ).map { algorithm in
      (
        algorithm,
        AlgorithmCandidate(
          name: algorithm.name, estimatedSeconds: options.profile.seconds(for: algorithm.work, threads: threads),
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
      // Those that were not worth measuring come last.
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
  /// The operator that is ready to run, by the algorithm that the compilation names or the estimates choose; with
  /// `pools` its output 1 is ``PoolingConvolution/pool`` of output 0.
  func prepared(
    _ context: PreparationContext, function: ElementwiseFunction, hasResidual: Bool = false, pools: Bool = false
  ) -> PreparedOperator {
    let choice = ConvolutionAlgorithms.choose(
      for: self, in: context.inputs[0].elementType, on: context.device, context.options)
    var prepared = choice.algorithm.prepared(
      context, function: function, hasResidual: hasResidual, pools: pools, candidates: choice.candidates)
    prepared.work = work(of: choice.algorithm)
    return prepared
  }

  /// The work of an algorithm for this problem, with the width of its products.
  func work(of algorithm: any ConvolutionAlgorithm) -> WorkEstimate {
    var work = algorithm.work
    work.columns = groupOutputs
    return work
  }
}
