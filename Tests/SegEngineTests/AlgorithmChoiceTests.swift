import SegEngine
import TestSupport
import Testing

@testable import SegEngine

/// The choice between algorithms, its reasons, and the fit to a machine.
@Suite struct AlgorithmChoiceTests {
  private let backend = OpenBLASBackend(workers: WorkerPool(threads: 2))

  private func problem(_ inputs: Int, _ outputs: Int, side: Int, dilation: Int = 1) -> ConvolutionProblem {
    ConvolutionProblem(
      .forward, .init(kernel: 3, dilation: Extent2D(dilation), padding: Padding2D(dilation)),
      input: [1, side, side, inputs], output: [1, side, side, outputs])
  }

  @Test func theChosenOneComesFirstAmongItsCandidates() throws {
    for choice in [CompileOptions.AlgorithmChoice.estimated, .measured, .named("im2col")] {
      let made = ConvolutionAlgorithms.choose(
        for: problem(32, 48, side: 24), on: ComputeDevice(backend), CompileOptions(algorithmChoice: choice))
      #expect(made.candidates.first?.name == made.algorithm.name)
      #expect(made.candidates.count == 6)
      switch choice {
      case .estimated:
        #expect(made.candidates.map(\.estimatedSeconds) == made.candidates.map(\.estimatedSeconds).sorted())
        #expect(made.candidates.allSatisfy { $0.measuredSeconds == nil })
      case .measured:
        #expect(made.candidates[0].measuredSeconds != nil)
        #expect(made.candidates.map(\.seconds).min() == made.candidates[0].seconds || made.candidates.count > 1)
      case .named: #expect(made.algorithm.name == "im2col")
      }
    }
  }

  @Test func whatWasMeasuredIsRemembered() {
    let one = ConvolutionAlgorithms.choose(
      for: problem(32, 32, side: 20), on: ComputeDevice(backend), CompileOptions(algorithmChoice: .measured))
    let two = ConvolutionAlgorithms.choose(
      for: problem(32, 32, side: 20), on: ComputeDevice(backend), CompileOptions(algorithmChoice: .measured))
    #expect(one.candidates == two.candidates)
  }

  @Test func packedWeightsAreNotReadAgain() throws {
    let graph = try Graph("layer") { g in g.output("y", g.input("x", [1, 8, 8, 16]).conv("conv", 16, kernel: 3)) }
    let model = try graph.compiled(parameters: Parameters(initializing: graph, seed: 1), on: backend)
    #expect(model.constantByteCount == 16 * 4)
  }

  /// Times that were made from a known profile give it back.
  @Test func theFitFindsTheProfileThatMadeTheTimes() {
    let truth = MachineProfile(secondsPerUnit: [2e-11, 3e-10, 2.5e-11, 4e-11, 5e-11, 8e-11])
    var samples: [Calibration.Sample] = []
    for (inputs, outputs, side) in [(16, 32, 40), (64, 64, 32), (128, 256, 17), (512, 256, 12), (24, 96, 64)] {
      for dilation in [1, 4] {
        let problem = problem(inputs, outputs, side: side, dilation: dilation)
        for algorithm in ConvolutionAlgorithms.candidates(for: problem, on: ComputeDevice(backend)) {
          samples.append(
            .init(
              problem: "\(problem)", algorithm: algorithm.name, work: algorithm.work,
              seconds: truth.seconds(for: algorithm.work, threads: 2)))
        }
      }
    }
    let fit = Calibration(samples: samples, threads: 2)
    for (found, wanted) in zip(fit.profile.secondsPerUnit, truth.secondsPerUnit) {
      #expect(abs(found / wanted - 1) < 1e-6)
    }
    #expect(fit.relativeErrors.last! < 1e-6)
    #expect(fit.lossOfChoice < 1e-9)
  }

  /// A part that would make time shorter is left out, not given a negative price.
  @Test func noPartIsFreeBelowZero() {
    let samples = (1...8).map { index -> Calibration.Sample in
      var work = WorkEstimate()
      work.panelMacs = Double(index) * 1e9
      work.bytesMoved = Double(index % 3) * 1e8
      return .init(
        problem: "\(index)", algorithm: "made up", work: work,
        seconds: Double(index) * 0.02 - Double(index % 3) * 0.001)
    }
    let profile = Calibration(samples: samples, threads: 1).profile
    #expect(profile.secondsPerUnit.allSatisfy { $0 >= 0 })
    #expect(profile.secondsPerUnit[4] == 0)
    #expect(abs(profile.secondsPerUnit[0] * 1e9 / 0.02 - 1) < 0.1)
  }

  @Test func workCountsWhatIsComputed() {
    func macs(_ name: String, _ problem: ConvolutionProblem) -> Double {
      ConvolutionAlgorithms.candidates(for: problem, on: ComputeDevice(backend)).first { $0.name == name }!.work
        .panelMacs
    }
    // 64 × 64 outputs, 64 channels: whole panels, no padding left out at rate 1 but the first and the last row's.
    let dense = problem(64, 64, side: 64)
    #expect(macs("winograd 4×4", dense) == 256 * 36 * 64 * 64)
    #expect(macs("winograd 2×2", dense) == 1024 * 16 * 64 * 64)
    // DESIGN's shares of padding: 61 % at rate 36, 44 % at rate 24, 23 % at rate 12, of which blocks of six leave out most.
    for (rate, share) in [(36, 0.61), (24, 0.44), (12, 0.23)] {
      let left = macs("direct", problem(64, 64, side: 64, dilation: rate)) / Double(dense.macs)
      #expect(left >= 1 - share - 0.005 && left < 1 - share + 0.06)
    }
  }
}
