import CSegKernels

/// Memory for numbers that vector registers load.
enum AlignedMemory {
  /// Alignment of allocations in bytes: a cache line, and the width of the widest vector register.
  static let alignment = 64
  /// Size in bytes of a large page, and of what is worth asking for them.
  private static let largePage = 2 << 20
  private static let leastLargeBytes = 2 * largePage

  /// Uninitialised memory, to be given back by `deallocate()`. Much of it is asked for in large pages: kernels walk over many rows and
  /// planes at once, more than a processor knows small pages.
  static func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
    guard byteCount >= leastLargeBytes else { return .allocate(byteCount: max(byteCount, 1), alignment: alignment) }
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: largePage)
    seg_advise_large_pages(memory, UInt(byteCount))
    return memory
  }
}
