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

  @Test func aChainNeedsTwoBuffers() {
    let requests = (0..<20).map { MemoryPlan.Request(byteCount: 1000, lifetime: $0...$0 + 1) }
    #expect(MemoryPlan(requests).byteCount == 2 * 1024)
    #expect(MemoryPlan([]).byteCount == 0)
  }
}
