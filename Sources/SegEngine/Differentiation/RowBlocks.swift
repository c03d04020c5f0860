/// Blocks of the rows of a map, over which sums are computed in parts.
///
/// The blocks depend on the map's shape alone and their sums are added in order, so that results do not depend on the number of threads.
package struct RowBlocks: Sendable {
  /// The number of blocks.
  package let count: Int
  private let rows: Int
  private let size: Int

  /// The most blocks, which limits the memory of their sums.
  private static let largestCount = 256
  /// Floats of a block: it stays in a core's cache between the passes of a block's sums.
  private static let blockFloats = 32 << 10

  /// Splits `rows` rows of `channels` floats.
  package init(rows: Int, channels: Int) {
    let fitting = max(16, RowBlocks.blockFloats / max(1, channels))
    size = max(fitting, (rows + RowBlocks.largestCount - 1) / RowBlocks.largestCount)
    count = max(1, (rows + size - 1) / size)
    self.rows = rows
  }

  /// The rows of a block.
  package subscript(block: Int) -> Range<Int> { block * size..<min(rows, (block + 1) * size) }
}
