import TestSupport
import Testing

@testable import SegEngine

/// What a profile says of plans.
@Suite struct LatencyProfileTests {
  private let backend = OpenBLASBackend(workers: WorkerPool(threads: 2))

  /// A machine on which every unit costs something.
  private static let profile: LatencyProfile = {
    let flat = { (rate: Double) in
      RateGrid(rows: [16, 1024], columns: [8, 256], rates: [[rate / 2, rate], [rate, rate]])
    }
    let bandwidth = RateGrid(rows: [1e5, 1e8], columns: [1, 2], rates: [[5e10, 8e10], [1e10, 1.5e10]])
    func model(_ threads: Int) -> LatencyModel {
      LatencyModel(
        threads: threads,
        coefficients: ["pointwise": [1e-6, 1.1, 1e-10, 1.2, 1e-11, 1e-11, 1e-11, 1, 1, 1e-11, 1e-11]],
        fallback: [2e-6, 1.2, 2e-10, 1.3, 5e-11, 2e-11, 1e-11, 1, 1.5, 1e-10, 3e-11])
    }
    return LatencyProfile(
      instructionSet: "avx2", choice: .standard,
      roofs: MachineRoofs(panelRate: flat(4e10), gemmRate: flat(4e10), bandwidth: bandwidth),
      models: [model(1), model(2)])
  }()

  private func seconds(
    _ channels: Int, side: Int = 40, kernel: Int = 3, algorithm: String? = nil, on backend: OpenBLASBackend? = nil
  ) throws -> Double {
    let graph = try Graph("layer") { g in
      g.output("y", g.input("x", [1, side, side, channels]).conv("conv", channels, kernel: Extent2D(kernel)))
    }
    var options = CompileOptions(profile: Self.profile.choice)
    if let algorithm { options.algorithmChoice = .named(algorithm) }
    return Self.profile.estimate(try graph.plan(on: backend ?? self.backend, options: options)).seconds
  }

  /// Each algorithm takes longer for more channels, and for more pixels.
  @Test(arguments: ["direct", "im2col", "winograd 4×4", "winograd 6×6", "winograd 2×2"])
  func moreWorkTakesLonger(_ algorithm: String) throws {
    var last = 0.0
    for channels in [16, 32, 64, 128, 256] {
      let now = try seconds(channels, algorithm: algorithm)
      #expect(now > last)
      last = now
    }
    last = 0
    for side in [12, 24, 48, 96] {
      let now = try seconds(64, side: side, algorithm: algorithm)
      #expect(now > last)
      last = now
    }
  }

  @Test func aNetworkIsTheSumOfItsSteps() throws {
    let graph = try Graph("net") { g in
      let x = g.input("x", [1, 32, 32, 16]).conv("a", 32, kernel: 3).relu().maxPool(kernel: 2)
      g.output("y", x.conv("b", 8, kernel: 1).resize(by: 2).softmax())
    }
    let plan = try graph.plan(on: backend)
    let estimate = Self.profile.estimate(plan)
    #expect(estimate.stepSeconds.count == plan.steps.count)
    #expect(estimate.stepSeconds.allSatisfy { $0 > 0 })
    #expect(abs(estimate.seconds - estimate.stepSeconds.reduce(0, +)) < 1e-15)
  }

  /// More threads are never told to be slower, calibrated or not.
  @Test func threadsHelp() throws {
    var last = Double.infinity
    for threads in [1, 2, 3, 4, 8] {
      let now = try seconds(128, side: 64, on: OpenBLASBackend(workers: WorkerPool(threads: threads)))
      #expect(now < last)
      last = now
    }
  }

  @Test func theRoofIsTheLongerOfArithmeticAndMemory() {
    let roofs = Self.profile.roofs
    #expect(roofs.peakRate == 4e10)
    #expect(roofs.bound(macs: 8e10, bytes: 1, threads: 2) == 1)
    #expect(roofs.bound(macs: 1, bytes: 3e10, threads: 2) == 2)
  }

  // MARK: Plans

  /// A graph of convolutions, branches, poolings, concatenations and enlargements, drawn from a seed.
  private func randomGraph(_ seed: UInt64) throws -> Graph {
    var generator = SeededGenerator(seed: seed)
    func pick(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &generator) }
    return try Graph("random") { g in
      var maps = [g.input("x", [1, pick(9...33), pick(9...33), pick(1...24)])]
      for index in 0..<pick(3...12) {
        let x = maps[pick(max(0, maps.count - 3)...maps.count - 1)]
        switch pick(0...7) {
        case 0: maps.append(x.conv("c\(index)", pick(4...40), kernel: 3, bias: false).batchNorm("b\(index)").relu())
        case 1: maps.append(x.conv("c\(index)", pick(4...40), kernel: 1).map(.silu))
        case 2: maps.append(x.conv("c\(index)", x.channels, kernel: 3, groups: x.channels))
        case 3: maps.append(x.maxPool(kernel: 3, stride: 2, padding: 1))
        case 4: maps.append(x.resize(by: 2))
        case 5: maps.append(x.resize(like: maps[0]).concat(with: maps[0]))
        case 6: maps.append(x + x.conv("c\(index)", x.channels, kernel: 3, dilation: 2))
        default: maps.append(x.globalAveragePool().sigmoid() * x)
        }
      }
      g.output("y", maps[maps.count - 1])
    }
  }

  /// The memory that is told is what compiling with weights takes, to the byte.
  @Test(arguments: Array(0..<40 as Range<UInt64>)) func thePlanIsThatOfTheCompiledModel(_ seed: UInt64) throws {
    let graph = try randomGraph(seed)
    let plan = try graph.plan(on: backend)
    let model = try graph.compiled(parameters: Parameters(initializing: graph, seed: 1), on: backend)
    #expect(plan.arenaByteCount == model.arenaByteCount)
    #expect(plan.packedWeightsByteCount == model.packedWeightsByteCount)
    #expect(plan.constantByteCount == model.constantByteCount)
    #expect(plan.steps.map(\.algorithm) == model.stepInfos.map(\.algorithm))
    #expect(plan.steps.map(\.name) == model.stepInfos.map(\.name))
    #expect(plan.steps.map(\.workspaceByteCount) == model.stepInfos.map(\.workspaceByteCount))
  }

  /// Steps that multiply packed weights state their work.
  @Test func productsStateTheirDemand() throws {
    let graph = try Graph("net") { g in
      let x = g.input("x", [1, 24, 24, 32]).conv("a", 48, kernel: 3)
      let t = x.tokens().linear("l", 64)
      g.output("y", t.softmax())
    }
    let steps = try graph.plan(on: backend).steps
    let convolution = try #require(steps.first { $0.name == "a" })
    #expect(convolution.isConvolution && convolution.work?.columns == 48)
    let linear = try #require(steps.first { $0.name == "l" })
    #expect(linear.algorithm == "pointwise")
    #expect(linear.work?.panelMacs == Double(576 * 48 * 64) && linear.work?.columns == 64)
    #expect(steps.last?.work == nil)
  }

  // MARK: The sweep

  @Test func theSweepsNetworksFitTogetherAndAreTheSameForASeed() throws {
    for seed in 1...4 as ClosedRange<UInt64> {
      let networks = try LatencySweep.networks(seed: seed)
      #expect(networks.count > 200)
      let again = try LatencySweep.networks(seed: seed)
      #expect(networks.map(\.graph.nodes.count) == again.map(\.graph.nodes.count))
      #expect(networks.map(\.algorithm) == again.map(\.algorithm))
    }
  }

  /// Every algorithm for convolutions has enough samples for coefficients of its own.
  @Test func theSweepHasEveryAlgorithm() throws {
    var counts: [String: Int] = [:]
    for network in try LatencySweep.networks(seed: 1) {
      var options = CompileOptions()
      if let algorithm = network.algorithm { options.algorithmChoice = .named(algorithm) }
      for step in try network.graph.plan(on: backend, options: options).steps {
        counts[step.isConvolution ? step.algorithm : step.kind, default: 0] += 1
      }
    }
    for name in CompileOptions.algorithmNames + ["SeparableConvolution", "Attention", "Resize", "MaxPool"] {
      #expect(counts[name, default: 0] >= LatencyFit.fewestSamples, "\(name)")
    }
  }

  /// From timing to a profile, with one network: nothing is asserted of the times but that there are some.
  @Test func stepsOfASweepAreTimed() throws {
    let graph = try Graph("net") { g in g.output("y", g.input("x", [1, 11, 13, 16]).conv("c", 16, kernel: 3).relu()) }
    let samples = try LatencyCalibration.samples(
      .init(graph: graph), roofs: Self.profile.roofs, choice: .standard, on: backend)
    #expect(samples.count == 1 && samples[0].seconds > 0)
  }

  @Test func quartiles() {
    #expect([4.0, 1, 3, 2].lowerQuartile == 1)
    #expect([5.0, 1, 3, 2, 4].lowerQuartile == 2)
    #expect([7.0].lowerQuartile == 7)
  }
}
