import Testing

@testable import SegEngine

/// The fit of latency models, and what they say.
@Suite struct LatencyFitTests {
  private static let count = StepDemand.featureNames.count

  /// Demands of a kind with random numbers in some features.
  private func demands(_ kind: String, _ features: [Int], count: Int, _ generator: inout SeededGenerator)
    -> [StepDemand]
  {
    (0..<count).map { _ in
      var numbers = [Double](repeating: 0, count: Self.count)
      for feature in features {
        // Over some four powers of ten, as layers have them.
        numbers[feature] =
          feature == 0
          ? 1 : Double.random(in: 1e-3...1, using: &generator) * Double.random(in: 1e-2...1, using: &generator)
      }
      return StepDemand(kind: kind, features: numbers)
    }
  }

  private func seconds(_ demand: StepDemand, _ coefficients: [Int: Double]) -> Double {
    coefficients.reduce(0) { $0 + demand.features[$1.key] * $1.value }
  }

  @Test func theCoefficientsThatMadeTheTimesAreFound() throws {
    var generator = SeededGenerator(seed: 11)
    let truths: [String: [Int: Double]] = [
      "winograd": [0: 2e-6, 1: 1.2, 2: 0.4, 8: 1.7], "pool": [0: 1e-6, 8: 2.5, 9: 0.3], "product": [1: 1.05, 7: 0.8],
    ]
    var samples: [LatencyFit.Sample] = []
    for kind in truths.keys.sorted() {
      for demand in demands(kind, truths[kind]!.keys.sorted(), count: 60, &generator) {
        samples.append(.init(demand: demand, seconds: seconds(demand, truths[kind]!)))
      }
    }
    let model = LatencyFit.model(samples, threads: 2)
    for sample in samples { #expect(abs(model.seconds(for: sample.demand) / sample.seconds - 1) < 0.02) }
    for (kind, truth) in truths {
      let found = try #require(model.coefficients[kind])
      for feature in 0..<Self.count where feature > 0 {
        #expect(abs(found[feature] - (truth[feature] ?? 0)) < 0.03 * (truth[feature] ?? 1), "\(kind) \(feature)")
      }
    }
  }

  /// A tenth of the times ten times too long, as when another program ran, move the rest little.
  @Test func disturbedTimesWeighLittle() {
    var generator = SeededGenerator(seed: 5)
    let samples = demands("kind", [1, 8], count: 80, &generator).enumerated().map { index, demand in
      LatencyFit.Sample(
        demand: demand, seconds: seconds(demand, [1: 1.0, 8: 2.0]) * (index % 10 == 3 ? 10 : 1))
    }
    let model = LatencyFit.model(samples, threads: 1)
    let errors = samples.indices.filter { $0 % 10 != 3 }.map {
      abs(model.seconds(for: samples[$0].demand) / samples[$0].seconds - 1)
    }.sorted()
    #expect(errors[errors.count / 2] < 0.1)
    #expect(errors.last! < 0.25)
  }

  @Test func noCoefficientIsBelowZeroAndAnUnknownKindHasThoseOfAll() {
    var generator = SeededGenerator(seed: 3)
    // More operations, less time: nothing a machine does, and no reason for a price below zero.
    let samples = demands("odd", [1, 9], count: 40, &generator).map {
      LatencyFit.Sample(demand: $0, seconds: max(1e-6, 2 * $0.features[1] - 0.1 * $0.features[9]))
    }
    let model = LatencyFit.model(samples, threads: 1)
    #expect(([model.fallback] + model.coefficients.values).allSatisfy { $0.allSatisfy { $0 >= 0 } })
    let known = samples[0].demand
    let unknown = StepDemand(kind: "never seen", features: known.features)
    #expect(model.seconds(for: unknown) > 0)
    #expect(model.seconds(for: unknown) == zip(model.fallback, known.features).reduce(0) { $0 + $1.0 * $1.1 })
    let none = LatencyFit.model([], threads: 1)
    #expect(none.seconds(for: known) == 0)
  }

  /// A kind of which few were timed has the proportions of all.
  @Test func fewSamplesScaleTheFitOfAll() throws {
    var generator = SeededGenerator(seed: 9)
    let many = demands("many", [1, 8], count: 50, &generator).map {
      LatencyFit.Sample(demand: $0, seconds: seconds($0, [1: 1.0, 8: 1.0]))
    }
    let few = demands("few", [1, 8], count: 3, &generator).map {
      LatencyFit.Sample(demand: $0, seconds: 3 * seconds($0, [1: 1.0, 8: 1.0]))
    }
    let model = LatencyFit.model(many + few, threads: 1)
    let coefficients = try #require(model.coefficients["few"])
    let scale = coefficients[1] / model.fallback[1]
    #expect(abs(coefficients[8] / model.fallback[8] / scale - 1) < 1e-9)
    for sample in few { #expect(abs(model.seconds(for: sample.demand) / sample.seconds - 1) < 0.2) }
  }

  @Test func ratesLieBetweenThoseOfTheGrid() {
    let grid = RateGrid(rows: [16, 64, 256], columns: [8, 32], rates: [[1, 2], [3, 6], [5, 4]])
    #expect(grid.rate(16, 8) == 1 && grid.rate(256, 32) == 4 && grid.rate(64, 32) == 6)
    // Beyond the grid, the edge.
    #expect(grid.rate(1, 1) == 1 && grid.rate(1e9, 1e9) == 4)
    // Half way in logarithms.
    #expect(abs(grid.rate(32, 8) - 2) < 1e-12)
    #expect(abs(grid.rate(16, 16) - 1.5) < 1e-12)
    #expect(abs(grid.rate(32, 16) - 3) < 1e-12)
    #expect(!RateGrid.isValid(rows: [2, 1], columns: [1], rates: [[1], [1]]))
    #expect(!RateGrid.isValid(rows: [1, 2], columns: [1], rates: [[1]]))
    #expect(!RateGrid.isValid(rows: [1], columns: [1], rates: [[0]]))
    #expect(!RateGrid.isValid(rows: [], columns: [], rates: []))
  }

  /// Steps whose time per element differs have coefficients of their own; sizes do not matter.
  @Test func kindsAreOperatorsWithFunctionOrInterpolation() {
    let operators: [(any Operator, String)] = [
      (Elementwise(.clip(low: 0, high: 6)), "Elementwise clip"), (Elementwise(.relu), "Elementwise relu"),
      (Resize(.bilinear, coordinates: .alignCorners, to: .size(8)), "Resize bilinear"),
      (Resize(.nearest, to: .like), "Resize nearest"), (Binary(.add), "Binary add"), (PReLU(), "PReLU"),
      (MaxPool(ConvolutionGeometry(kernel: 3, stride: 2, padding: 1)), "MaxPool"),
      (Linear(function: .gelu), "Linear gelu"), (Linear(), "Linear"), (Softmax(axis: 1), "Softmax"),
      (Slice([.init(axis: 1, from: 0, to: 4)]), "Slice"),
    ]
    for (`operator`, kind) in operators { #expect(`operator`.latencyKind == kind) }
  }
}
