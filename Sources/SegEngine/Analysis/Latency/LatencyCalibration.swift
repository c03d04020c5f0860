/// Calibrates a ``LatencyProfile`` for a machine: measures its roofs, times the steps of small random networks on one
/// thread and on all threads, and fits the coefficients.
///
/// Steps are timed within a running network, so that caches are in the same state as in practice.
public struct LatencyCalibration: Sendable {
  /// The fit error of one kind of step.
  public struct KindError: Sendable {
    /// The kind of step.
    public let kind: String
    /// The number of threads.
    public let threads: Int
    /// The number of samples of this kind.
    public let samples: Int
    /// The median of |estimated − measured| / measured.
    public let medianRelativeError: Double
  }

  /// The fitted profile.
  public let profile: LatencyProfile
  /// The errors on the calibration samples, by kind.
  public let errors: [KindError]

  /// Calibrates a backend whose algorithms are chosen by `choice`. Takes about a minute on two cores. `progress` is
  /// called with the finished share, 0 to 1.
  public init(
    on backend: OpenBLASBackend, choice: MachineProfile, seed: UInt64 = 1, progress: (Double) -> Void = { _ in }
  ) throws {
    let alone = OpenBLASBackend(workers: WorkerPool(threads: 1), instructionSet: backend.instructionSet)
    let backends = backend.workers.threadCount > 1 ? [alone, backend] : [backend]
    let roofs = MachineRoofs.measured(on: backend, alone: alone)
    progress(0.1)
    let networks = try LatencySweep.networks(seed: seed)
    var samples = [[LatencyFit.Sample]](repeating: [], count: backends.count)
    for (index, network) in networks.enumerated() {
      for (place, backend) in backends.enumerated() {
        samples[place] += try LatencyCalibration.samples(network, roofs: roofs, choice: choice, on: backend)
      }
      progress(0.1 + 0.9 * Double(index + 1) / Double(networks.count))
    }
    let models = zip(backends, samples).map { LatencyFit.model($1, threads: $0.workers.threadCount) }
    profile = LatencyProfile(
      instructionSet: backend.instructionSet, choice: choice, roofs: roofs, models: models)
    errors = zip(models, samples).flatMap { model, samples in
      Dictionary(grouping: samples, by: \.demand.kind).map { kind, samples in
        let errors = samples.map { abs(model.seconds(for: $0.demand) / $0.seconds - 1) }.sorted()
        return KindError(
          kind: kind, threads: model.threads, samples: samples.count, medianRelativeError: errors[errors.count / 2])
      }
    }.sorted { ($0.kind, $0.threads) < ($1.kind, $1.threads) }
  }

  /// The steps of a network with their measured times.
  static func samples(
    _ network: LatencySweep.Network, roofs: MachineRoofs, choice: MachineProfile, on backend: any Backend
  ) throws -> [LatencyFit.Sample] {
    var options = CompileOptions(profile: choice)
    if let algorithm = network.algorithm { options.algorithmChoice = .named(algorithm) }
    let parameters = Parameters(repeatingNumbersFor: network.graph)
    let model = try network.graph.compiled(parameters: parameters, on: backend, options: options)
    let times = try model.stepSeconds(model.inputs.map { Tensor($0.spec.shape, repeating: Float(0.5)) }, lasting: 0.02)
    return zip(model.plan.demands(roofs: roofs), times).map { LatencyFit.Sample(demand: $0, seconds: $1) }
  }
}

extension Parameters {
  /// Weights for timing: a short sequence of small random numbers, repeated, so that activations neither vanish nor
  /// overflow.
  public init(repeatingNumbersFor graph: Graph) {
    var generator = SeededGenerator(seed: 7)
    let numbers = (0..<4093).map { _ in Float(generator.next() >> 40) * 0x1p-24 - 0.5 }
    self.init()
    for info in graph.parameters {
      let fanIn = info.spec.shape.elementCount / max(1, info.spec.shape.rank > 0 ? info.spec.shape[0] : 1)
      let scale = 2 / Float(max(1, fanIn)).squareRoot()
      let isStatistic = info.spec.shape.rank < 2
      self[info.name] = Tensor(
        info.spec.shape,
        (0..<info.spec.shape.elementCount).lazy.map {
          isStatistic ? 0.75 + 0.25 * numbers[$0 % 4093] : scale * numbers[$0 % 4093]
        })
    }
  }
}
