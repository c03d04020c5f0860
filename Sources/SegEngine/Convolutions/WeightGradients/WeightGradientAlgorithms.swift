/// The list of algorithms for gradients of a convolution's weights, and the choice between them.
enum WeightGradientAlgorithms {
  /// An algorithm before it is set up: its name, and the function that sets it up; `nil` if it does not apply.
  struct Method: Sendable {
    let name: String
    let make: @Sendable (ConvolutionProblem, ComputeDevice) -> (any WeightGradientAlgorithm)?
  }

  /// All algorithms. A new algorithm takes a file and an entry in this list.
  static let all: [Method] = [
    Method(name: DepthwiseWeightGradient.name) { DepthwiseWeightGradient($0, on: $1) },
    Method(name: PointwiseWeightGradient.name) { PointwiseWeightGradient($0, on: $1) },
    Method(name: DirectWeightGradient.name) { DirectWeightGradient($0, on: $1) },
    winograd(.two), winograd(.four), winograd(.six),
  ]

  private static func winograd(_ filtering: WinogradFiltering) -> Method {
    Method(name: WinogradWeightGradient.name(filtering)) { WinogradWeightGradient($0, filtering, on: $1) }
  }

  /// Returns the algorithms that apply, at least one: ``DirectWeightGradient`` supports every convolution.
  static func candidates(for problem: ConvolutionProblem, on device: ComputeDevice) -> [any WeightGradientAlgorithm] {
    all.compactMap { $0.make(problem, device) }
  }

  /// Returns the candidates, the chosen one first: the named one, or else by the time that the profile estimates.
  static func ranked(
    for problem: ConvolutionProblem, on device: ComputeDevice, _ options: CompileOptions
  ) -> [(algorithm: any WeightGradientAlgorithm, candidate: AlgorithmCandidate)] {
    let threads = device.workers.threadCount
    var ranked = candidates(for: problem, on: device).map { algorithm in
      (
        algorithm: algorithm,
        candidate: AlgorithmCandidate(
          name: algorithm.name, estimatedSeconds: options.profile.seconds(for: algorithm.work, threads: threads),
          measuredSeconds: nil, weightByteCount: 0,
          workspaceByteCount: ElementType.float32.byteCount(of: algorithm.totalScratchCount(threads: threads)))
      )
    }.sorted { $0.candidate.estimatedSeconds < $1.candidate.estimatedSeconds }
    if case .named(let name) = options.algorithmChoice,
      let index = ranked.firstIndex(where: { $0.algorithm.name == name })
    {
      ranked.insert(ranked.remove(at: index), at: 0)
    }
    return ranked
  }
}
