import Testing

@testable import SegEngine

@Suite struct MemoryPlanTests {
  /// Random lifetimes: what is alive at once does not overlap, offsets are aligned, and the arena is between the most that is
  /// alive at once and the sum of all.
  @Test(arguments: 0..<200)
  func buffersThatLiveTogetherLieApart(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let requests = (0..<Int.random(in: 1...60, using: &generator)).map { _ in
      let first = Int.random(in: 0...40, using: &generator)
      let length = Int.random(in: 0...(seed % 2 == 0 ? 3 : 30), using: &generator)
      let bytes = Int.random(in: 0...4, using: &generator) == 0 ? 0 : Int.random(in: 1...5000, using: &generator)
      return MemoryPlan.Request(byteCount: bytes, lifetime: first...first + length)
    }
    let plan = MemoryPlan(requests)
    func aligned(_ bytes: Int) -> Int { (bytes + 63) / 64 * 64 }
    for (i, a) in requests.enumerated() {
      #expect(plan.offsets[i] % 64 == 0)
      #expect(plan.offsets[i] + a.byteCount <= plan.byteCount)
      for (j, b) in requests.enumerated() where j < i && a.lifetime.overlaps(b.lifetime) {
        let apart =
          plan.offsets[i] + a.byteCount <= plan.offsets[j] || plan.offsets[j] + b.byteCount <= plan.offsets[i]
        #expect(apart || a.byteCount == 0 || b.byteCount == 0)
      }
    }
    let sum = requests.reduce(0) { $0 + aligned($1.byteCount) }
    let most =
      (0...80).map { step in
        requests.reduce(0) { $0 + ($1.lifetime.contains(step) ? aligned($1.byteCount) : 0) }
      }.max() ?? 0
    #expect(plan.byteCount <= sum)
    #expect(plan.byteCount >= most)
  }

  /// Lifetimes as those of networks (a chain, with skips that live long): on average over the cases, what lies unused at the fullest
  /// step is less than 2 % of the arena, and less than with the largest buffers first alone.
  @Test func littleOfTheArenaLiesUnused() {
    var (arenas, bounds, largestFirst) = (0, 0, 0)
    for seed in 0..<300 {
      var generator = SeededGenerator(seed: UInt64(seed))
      let steps = Int.random(in: 10...60, using: &generator)
      let requests = (0..<steps).map { step in
        let isSkip = Int.random(in: 0..<4, using: &generator) == 0
        let last = isSkip ? Int.random(in: step...steps, using: &generator) : step + 1
        return MemoryPlan.Request(
          byteCount: 64 * Int.random(in: 1...40, using: &generator), lifetime: step...max(step, last))
      }
      let plan = MemoryPlan(requests)
      arenas += plan.byteCount
      bounds += plan.lowerBound
      largestFirst += placedLargestFirst(requests)
      let most = (0...steps + 1).map { step in
        requests.reduce(0) { $0 + ($1.lifetime.contains(step) ? $1.byteCount : 0) }
      }.max()!
      #expect(plan.lowerBound == most)
    }
    #expect(Double(arenas) < 1.02 * Double(bounds))
    #expect(arenas < largestFirst)
  }

  /// The arena of a plan made byte by byte of 64: the largest first, each as low as it can lie.
  private func placedLargestFirst(_ requests: [MemoryPlan.Request]) -> Int {
    var taken: [Set<Int>] = Array(repeating: [], count: (requests.map(\.lifetime.upperBound).max() ?? 0) + 1)
    var end = 0
    for request in requests.sorted(by: { $0.byteCount > $1.byteCount }) {
      let units = request.byteCount / 64
      var offset = 0
      while request.lifetime.contains(where: { step in (offset..<offset + units).contains { taken[step].contains($0) } }
      ) {
        offset += 1
      }
      for step in request.lifetime { taken[step].formUnion(offset..<offset + units) }
      end = max(end, (offset + units) * 64)
    }
    return end
  }

  @Test func aChainNeedsTwoBuffers() {
    let requests = (0..<20).map { MemoryPlan.Request(byteCount: 1000, lifetime: $0...$0 + 1) }
    #expect(MemoryPlan(requests).byteCount == 2 * 1024)
    #expect(MemoryPlan([]).byteCount == 0)
  }
}
