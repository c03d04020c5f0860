/// Gives each buffer of a compiled model its place in one arena, so that buffers whose lifetimes do not meet share memory.
///
/// Greedy by size (Pisarchyk and Lee 2020): the largest buffer first, each at the lowest offset where it overlaps none that is
/// alive at the same time.
struct MemoryPlan: Sendable {
  struct Request: Sendable {
    let byteCount: Int
    /// First and last step at which the buffer holds something.
    var lifetime: ClosedRange<Int>
  }

  /// The offset of each request, in bytes, 64-byte aligned.
  let offsets: [Int]
  /// Size of the arena in bytes.
  let byteCount: Int

  init(_ requests: [Request]) {
    func aligned(_ bytes: Int) -> Int {
      (bytes + TensorStorage.alignment - 1) / TensorStorage.alignment * TensorStorage.alignment
    }
    var offsets = [Int](repeating: 0, count: requests.count)
    var placed: [(range: Range<Int>, lifetime: ClosedRange<Int>)] = []
    var end = 0
    for index in requests.indices.sorted(by: {
      (requests[$1].byteCount, $0) < (requests[$0].byteCount, $1)
    }) {
      let request = requests[index]
      let size = aligned(request.byteCount)
      guard size > 0 else { continue }
      var offset = 0
      for other in placed where other.lifetime.overlaps(request.lifetime) {
        if offset + size <= other.range.lowerBound { break }
        offset = max(offset, other.range.upperBound)
      }
      offsets[index] = offset
      end = max(end, offset + size)
      let entry = (range: offset..<offset + size, lifetime: request.lifetime)
      let place = placed.firstIndex { $0.range.lowerBound > offset } ?? placed.endIndex
      placed.insert(entry, at: place)
    }
    self.offsets = offsets
    byteCount = end
  }
}
