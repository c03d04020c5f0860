import SegEngine
import SegModels
import Testing

/// The design space and the front.
@Suite struct DesignTests {
  @Test func theFrontHasWhatNothingBeats() {
    let points = [[1.0, 5], [2, 3], [3, 3], [4, 1], [2, 3], [5, 5], [1, 6]]
    #expect(ParetoFront.indices(points) == [0, 1, 3])
    #expect(ParetoFront.indices([]) == [])
    #expect(ParetoFront.indices([[1], [1]]) == [0])
    #expect(ParetoFront.rankSums([[1, 2], [1, 1], [3, 0]]) == [0 + 2, 0 + 1, 2 + 0])
  }

  /// Against the definition, over random points.
  @Test(arguments: 0..<10 as Range<UInt64>) func theFrontIsThatOfTheDefinition(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let points = (0..<60).map { _ in (0..<3).map { _ in Double(Int.random(in: 0..<12, using: &generator)) } }
    let front = ParetoFront.indices(points)
    for index in points.indices {
      let beaten = points.contains { other in
        zip(other, points[index]).allSatisfy { $0 <= $1 } && zip(other, points[index]).contains { $0 < $1 }
      }
      let isRepeated = points[..<index].contains(points[index])
      #expect(front.contains(index) == (!beaten && !isRepeated))
    }
  }

  /// Every design of every family makes a network that takes the size.
  @Test(arguments: DesignSpace.families) func designsMakeGraphs(_ family: String) throws {
    let designs = DesignSpace.designs(of: [family], size: 128, classes: 5)
    #expect(designs.count >= 3 * 2)
    #expect(Set(designs.map { "\($0.choices) \($0.size)" }).count == designs.count)
    for design in designs where design.size.height >= 96 {
      let graph = try design.makeGraph()
      #expect(graph[graph.outputs[0].value].spec.shape == [1, design.size.height, design.size.width, 5])
    }
  }

  @Test func aSearchKeepsItsBudget() throws {
    let flat = { (rate: Double) in RateGrid(rows: [16], columns: [8], rates: [[rate]]) }
    let coefficients = [1e-6, 1.1, 1e-10, 1.2, 5e-11, 2e-11, 1e-11, 1, 1, 1e-10, 3e-11]
    let profile = LatencyProfile(
      instructionSet: "avx2", choice: .standard,
      roofs: MachineRoofs(panelRate: flat(4e10), gemmRate: flat(4e10), bandwidth: flat(1e10)),
      models: [LatencyModel(threads: 1, coefficients: [:], fallback: coefficients)])
    let designs = DesignSpace.designs(of: ["enet", "fast-scnn", "lraspp"], size: 128, classes: 5)
    let backend = OpenBLASBackend(workers: WorkerPool(threads: 1))
    var seen = 0
    let free = try DesignSearch(
      designs, within: .init(seconds: 1e6, byteCount: .max), by: profile, on: backend
    ) { seen = $0 }
    #expect(seen == designs.count && free.rated.count > designs.count / 2)
    #expect(!free.front.isEmpty && free.best.count <= 3)
    #expect(Set(free.best.map(\.design.family)).count == free.best.count)
    let times = free.front.map(\.estimate.seconds)
    #expect(times == times.sorted())
    let middle = times[times.count / 2]
    let bounded = try DesignSearch(designs, within: .init(seconds: middle, byteCount: .max), by: profile, on: backend)
    #expect(bounded.front.allSatisfy { $0.estimate.seconds <= middle })
    #expect(bounded.front.count < free.rated.count)
    let impossible = try DesignSearch(designs, within: .init(seconds: 1, byteCount: 1000), by: profile, on: backend)
    #expect(impossible.front.isEmpty && impossible.best.isEmpty && !impossible.rated.isEmpty)
  }
}
