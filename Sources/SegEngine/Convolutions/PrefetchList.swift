/// A list of memory ranges to prefetch (``PlaneOperands/prefetches``), in scratch memory.
struct PrefetchList {
  private let memory: UnsafeMutablePointer<PlaneOperands.PrefetchRun>
  private let capacity: Int
  private var count = 0

  /// Computes the size of a list in floats: whole cache lines.
  static func floatCount(capacity: Int) -> Int {
    let bytes = capacity * MemoryLayout<PlaneOperands.PrefetchRun>.stride
    return (bytes + AlignedMemory.alignment - 1) / AlignedMemory.alignment * AlignedMemory.alignment
      / MemoryLayout<Float>.stride
  }

  /// Makes an empty list in memory that is aligned for pointers.
  init(_ scratch: UnsafeMutablePointer<Float>, capacity: Int) {
    memory = UnsafeMutableRawPointer(scratch).bindMemory(to: PlaneOperands.PrefetchRun.self, capacity: capacity)
    self.capacity = capacity
  }

  /// The listed ranges.
  var runs: UnsafeBufferPointer<PlaneOperands.PrefetchRun> { UnsafeBufferPointer(start: memory, count: count) }

  /// Appends rows of `count` numbers, `stride` apart.
  mutating func append(
    _ first: UnsafePointer<Float>, stride: Int, rows: Int, count: Int, isWritten: Bool = false
  ) {
    if stride == count {
      append(.init(first: first, count: max(0, rows) * count, isWritten: isWritten))
    } else {
      for row in 0..<max(0, rows) {
        append(.init(first: first + row * stride, count: count, isWritten: isWritten))
      }
    }
  }

  private mutating func append(_ run: PlaneOperands.PrefetchRun) {
    precondition(count < capacity, "the list has room for \(capacity) runs")
    memory[count] = run
    count += 1
  }
}
