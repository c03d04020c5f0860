import CSegKernels

/// Allocates memory that is aligned for vector registers.
enum AlignedMemory {
  /// The alignment in bytes: a cache line, and the widest vector register.
  static let alignment = 64
  /// The size of a huge page in bytes, and the smallest allocation that requests them.
  private static let largePage = 2 << 20
  private static let leastLargeBytes = 2 * largePage

  /// Allocates uninitialised memory, to be freed by `deallocate()`. Large allocations request huge pages, because
  /// kernels access many rows and planes at once, more than the TLB holds small pages.
  static func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
    guard byteCount >= leastLargeBytes else { return .allocate(byteCount: max(byteCount, 1), alignment: alignment) }
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: largePage)
    seg_advise_large_pages(memory, UInt(byteCount))
    return memory
  }
}
