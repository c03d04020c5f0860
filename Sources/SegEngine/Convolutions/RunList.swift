/// Runs of numbers that are to be asked for (``PlaneOperands/ahead``), listed in scratch memory.
struct RunList {
  private let memory: UnsafeMutablePointer<PlaneOperands.Run>
  private let capacity: Int
  private var count = 0

  /// Floats that a list takes, whole lines of a cache.
  static func floatCount(capacity: Int) -> Int {
    let bytes = capacity * MemoryLayout<PlaneOperands.Run>.stride
    return (bytes + AlignedMemory.alignment - 1) / AlignedMemory.alignment * AlignedMemory.alignment
      / MemoryLayout<Float>.stride
  }

  /// An empty list in memory that is aligned for pointers.
  init(_ scratch: UnsafeMutablePointer<Float>, capacity: Int) {
    memory = UnsafeMutableRawPointer(scratch).bindMemory(to: PlaneOperands.Run.self, capacity: capacity)
    self.capacity = capacity
  }

  var runs: UnsafeBufferPointer<PlaneOperands.Run> { UnsafeBufferPointer(start: memory, count: count) }

  /// Lists rows of `count` numbers, `stride` apart.
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

  private mutating func append(_ run: PlaneOperands.Run) {
    precondition(count < capacity, "the list has room for \(capacity) runs")
    memory[count] = run
    count += 1
  }
}
