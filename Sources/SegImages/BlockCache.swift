/// The decoded strips or tiles of a file that were used last, up to a number of bytes. The last one is kept in any case.
final class BlockCache {
  /// The most bytes that are kept.
  private(set) var capacity: Int
  private var byteCount = 0
  private var blocks: [UInt32: (bytes: [UInt8], use: UInt64)] = [:]
  /// All uses in order. Only the last use of a block counts; earlier ones are removed later.
  private var uses: [(index: UInt32, use: UInt64)] = []
  private var oldest = 0
  private var useCount: UInt64 = 0

  init(capacity: Int) { self.capacity = capacity }

  /// Raises the capacity to a number of bytes, if it is lower.
  func reserveCapacity(_ bytes: Int) { capacity = max(capacity, bytes) }

  /// Returns the bytes of a block, which `decode` writes if they are not kept.
  func bytes(
    of index: UInt32, count: Int, decodedBy decode: (inout [UInt8]) throws(ImageError) -> Void
  ) throws(ImageError) -> [UInt8] {
    if let found = blocks[index] {
      note(useOf: index)
      return found.bytes
    }
    // The memory of a block that is no longer kept serves for the new one.
    var bytes: [UInt8] = []
    while byteCount + count > capacity, let removed = removeOldest() { bytes = removed }
    if bytes.count != count { bytes = [UInt8](repeating: 0, count: count) }
    try decode(&bytes)
    byteCount += count
    blocks[index] = (bytes, 0)
    note(useOf: index)
    return bytes
  }

  private func note(useOf index: UInt32) {
    useCount += 1
    blocks[index]!.use = useCount
    uses.append((index, useCount))
    guard uses.count > 2 * blocks.count + 1024 else { return }
    uses.removeAll { blocks[$0.index]?.use != $0.use }
    oldest = 0
  }

  private func removeOldest() -> [UInt8]? {
    while oldest < uses.count {
      let (index, use) = uses[oldest]
      oldest += 1
      guard let block = blocks[index], block.use == use else { continue }
      blocks[index] = nil
      byteCount -= block.bytes.count
      return block.bytes
    }
    return nil
  }
}
