/// Fits a ``MachineProfile`` to a machine. Convolutions of many kinds are timed with every algorithm that applies. The
/// seconds per unit of each part of the work estimate are then fitted by non-negative least squares. Each equation is
/// divided by the measured time, so that relative errors are minimised.
public struct Calibration: Sendable {
  /// One timed run.
  public struct Sample: Sendable {
    /// A description of the convolution.
    public let problem: String
    /// The algorithm's name.
    public let algorithm: String
    /// The work estimate of the algorithm.
    public let work: WorkEstimate
    /// The measured time in seconds.
    public let seconds: Double
  }

  /// The timed runs.
  public let samples: [Sample]
  /// The number of threads of the runs.
  public let threads: Int
  /// The fitted profile.
  public let profile: MachineProfile

  /// The layers to time: dense, atrous, pointwise, depthwise, strided and transposed, with few and many channels and
  /// pixels.
  private static let layers: [(ConvolutionDirection, ConvolutionGeometry, side: Int, inputs: Int, outputs: Int)] = {
    func same(_ kernel: Int, stride: Int = 1, dilation: Int = 1, groups: Int = 1) -> ConvolutionGeometry {
      ConvolutionGeometry(
        kernel: Extent2D(kernel), stride: Extent2D(stride), dilation: Extent2D(dilation),
        padding: Padding2D(dilation * (kernel - 1) / 2), groups: groups)
    }
    return [
      (.forward, same(3), 256, 3, 64), (.forward, same(7, stride: 2), 224, 3, 64), (.forward, same(3), 160, 16, 16),
      (.forward, same(3), 128, 32, 64), (.forward, same(3), 128, 64, 64), (.forward, same(3), 64, 128, 128),
      (.forward, same(3), 48, 192, 96), (.forward, same(3), 32, 256, 256), (.forward, same(3), 32, 512, 512),
      (.forward, same(3), 16, 512, 512), (.forward, same(3), 17, 1024, 512),
      (.forward, same(3, stride: 2), 64, 128, 128),
      (.forward, same(3, dilation: 2), 64, 256, 256), (.forward, same(3, dilation: 6), 64, 256, 128),
      (.forward, same(3, dilation: 12), 64, 512, 128), (.forward, same(3, dilation: 24), 48, 512, 128),
      (.forward, same(1), 128, 16, 64), (.forward, same(1), 128, 64, 24), (.forward, same(1), 64, 64, 256),
      (.forward, same(1), 64, 256, 64), (.forward, same(1), 32, 512, 1024), (.forward, same(1), 32, 1024, 256),
      (.forward, same(1), 7, 960, 160), (.forward, same(5), 64, 64, 64),
      (.forward, same(3, groups: 64), 128, 64, 64), (.forward, same(5, stride: 2, groups: 240), 64, 240, 240),
      (.forward, same(3, dilation: 4, groups: 960), 32, 960, 960),
      (.transposed, .init(kernel: 2, stride: 2), 64, 128, 64),
      (.transposed, .init(kernel: 2, stride: 2), 16, 512, 256),
      (.transposed, .init(kernel: 4, stride: 2, padding: 1), 48, 64, 32),
    ]
  }()

  /// Times the layers on a backend's threads and fits the profile. Takes about ten seconds. `progress` is called with
  /// the finished share, 0 to 1.
  public init(on backend: any Backend, progress: (Double) -> Void = { _ in }) {
    let device = ComputeDevice(backend)
    var samples: [Sample] = []
    for (index, layer) in Calibration.layers.enumerated() {
      let input = Extent2D(layer.side)
      let output =
        layer.0 == .forward ? layer.1.outputSize(of: input) : layer.1.transposedOutputSize(of: input, outputPadding: 0)
      let problem = ConvolutionProblem(
        layer.0, layer.1, input: [1, input.height, input.width, layer.inputs],
        output: [1, output.height, output.width, layer.outputs])
      for algorithm in ConvolutionAlgorithms.candidates(for: problem, on: device) {
        // A grouped convolution computed as one matrix product per channel is never competitive, so it is not timed.
        if layer.1.groups > 1, algorithm.method.kind != .depthwise { continue }
        samples.append(
          Sample(
            problem: "\(layer.0) \(layer.1) \(layer.inputs)→\(layer.outputs) \(input)", algorithm: algorithm.name,
            work: algorithm.work, seconds: AlgorithmTiming.seconds(of: algorithm, problem, on: device)))
      }
      progress(Double(index + 1) / Double(Calibration.layers.count))
    }
    self.init(samples: samples, threads: backend.workers.threadCount)
  }

  /// Fits a profile to given samples.
  init(samples: [Sample], threads: Int) {
    self.samples = samples
    self.threads = threads
    profile = Calibration.fit(samples, threads: threads) ?? .standard
  }

  private static func fit(_ samples: [Sample], threads: Int) -> MachineProfile? {
    let rows = samples.map { sample in sample.work.features.map { $0 / sample.seconds } }
    let targets = samples.map { _ in Double(threads) }
    guard let coefficients = LinearAlgebra.nonNegativeLeastSquares(rows, targets),
      coefficients.contains(where: { $0 > 0 })
    else { return nil }
    return MachineProfile(secondsPerUnit: coefficients)
  }

  /// |estimated − measured| / measured of each sample, sorted.
  public var relativeErrors: [Double] {
    samples.map { abs(profile.seconds(for: $0.work, threads: threads) / $0.seconds - 1) }.sorted()
  }

  /// The additional time of the algorithms that the profile chooses, relative to the fastest ones, over all timed
  /// layers. 0 if every choice is the fastest.
  public var lossOfChoice: Double {
    let groups = Dictionary(grouping: samples, by: \.problem).values
    let fastest = groups.reduce(0) { $0 + ($1.map(\.seconds).min() ?? 0) }
    let chosen = groups.reduce(0) { sum, group in
      let choice = group.min { profile.seconds(for: $0.work) < profile.seconds(for: $1.work) }
      return sum + (choice?.seconds ?? 0)
    }
    return fastest > 0 ? chosen / fastest - 1 : 0
  }
}
