/// The offsets of buffers in one arena, such that buffers with disjoint lifetimes share memory.
///
/// Buffers are placed one after another, each at the lowest offset without overlap with buffers that are live at the same time. The size of
/// the arena depends on the order. Several are tried, and the smallest arena is kept: greedy by size and greedy by breadth (Pisarchyk and
/// Lee 2020), by size times lifetime, and by lifetime. While the arena is larger than the lower bound, the buffer with the highest end is
/// moved to the front of the order, or to positions between, some dozens of times (in small graphs some hundreds).
struct MemoryPlan: Sendable {
  struct Request: Sendable {
    let byteCount: Int
    /// The first and last step at which the buffer is live.
    var lifetime: ClosedRange<Int>
  }

  /// The offset of each request, in bytes, 64-byte aligned.
  let offsets: [Int]
  /// Size of the arena in bytes.
  let byteCount: Int
  /// The largest number of bytes that are live at one step: a lower bound of the arena's size.
  let lowerBound: Int

  init(_ requests: [Request]) {
    let sizes = requests.map { MemoryPlan.aligned($0.byteCount) }
    let breadths = MemoryPlan.breadths(requests, sizes)
    lowerBound = breadths.values.max() ?? 0
    let indices = requests.indices.filter { sizes[$0] > 0 }
    /// Returns the indices by descending keys; equal ones keep their order.
    func sorted(_ keys: (Int) -> (Int, Int)) -> [Int] {
      indices.map { (keys($0), $0) }.sorted { ($1.0.0, $1.0.1, $0.1) < ($0.0.0, $0.0.1, $1.1) }.map(\.1)
    }
    let orders = [
      sorted { (sizes[$0], 0) },
      sorted { (breadths[requests[$0].lifetime, default: 0], sizes[$0]) },
      sorted { (requests[$0].lifetime.count, sizes[$0]) },
      sorted { (sizes[$0] * requests[$0].lifetime.count, sizes[$0]) },
    ]
    var best: (offsets: [Int], byteCount: Int)?
    let attempts = max(32, min(512, (1 << 20) / max(1, indices.count * indices.count)))
    for order in orders {
      var order = order
      // Pseudorandom positions, the same in each compilation.
      var state: UInt32 = 1
      for attempt in 0..<attempts {
        let plan = MemoryPlan.placed(order, requests, sizes)
        if plan.byteCount < best?.byteCount ?? .max { best = plan }
        guard plan.byteCount > lowerBound,
          let last = order.firstIndex(where: { plan.offsets[$0] + sizes[$0] == plan.byteCount }), last > 0
        else { break }
        state = state &* 1_664_525 &+ 1_013_904_223
        order.insert(order.remove(at: last), at: attempt % 3 < 2 ? 0 : Int(state >> 8) % last)
      }
      if best?.byteCount == lowerBound { break }
    }
    (offsets, byteCount) = best ?? ([Int](repeating: 0, count: requests.count), 0)
  }

  private static func aligned(_ bytes: Int) -> Int {
    (bytes + AlignedMemory.alignment - 1) / AlignedMemory.alignment * AlignedMemory.alignment
  }

  /// Returns the largest number of live bytes at a step of each lifetime.
  private static func breadths(_ requests: [Request], _ sizes: [Int]) -> [ClosedRange<Int>: Int] {
    var changes: [Int: Int] = [:]
    for (request, size) in zip(requests, sizes) {
      changes[request.lifetime.lowerBound, default: 0] += size
      changes[request.lifetime.upperBound + 1, default: 0] -= size
    }
    // The live bytes change only where a lifetime begins or ends.
    var alive: [(step: Int, bytes: Int)] = []
    for step in changes.keys.sorted() { alive.append((step, (alive.last?.bytes ?? 0) + changes[step]!)) }
    var breadths: [ClosedRange<Int>: Int] = [:]
    for lifetime in Set(requests.map(\.lifetime)) {
      breadths[lifetime] = alive.lazy.filter { lifetime.contains($0.step) }.map(\.bytes).max()
    }
    return breadths
  }

  private static func placed(
    _ order: [Int], _ requests: [Request], _ sizes: [Int]
  ) -> (offsets: [Int], byteCount: Int) {
    var offsets = [Int](repeating: 0, count: requests.count)
    // By ascending offset.
    var placed: [(range: Range<Int>, lifetime: ClosedRange<Int>)] = []
    var end = 0
    for index in order {
      let (lifetime, size) = (requests[index].lifetime, sizes[index])
      var offset = 0
      for other in placed where other.lifetime.overlaps(lifetime) {
        if offset + size <= other.range.lowerBound { break }
        offset = max(offset, other.range.upperBound)
      }
      offsets[index] = offset
      end = max(end, offset + size)
      let place = placed.firstIndex { $0.range.lowerBound > offset } ?? placed.endIndex
      placed.insert((offset..<offset + size, lifetime), at: place)
    }
    return (offsets, end)
  }
}
