/// A range 0 ..< `count` cut into pieces of nearly equal size.
///
/// Pieces begin at multiples of `unit`, and their sizes differ by one unit at most. No piece is larger than `largest` (at least one unit).
/// There are at least `atLeast` pieces, if there are as many units. If there are more pieces than `threads`, their number is a multiple of
/// the thread count, given enough units, so that all threads have equally many.
struct EvenPieces: Sendable {
  /// The end of the range.
  let count: Int
  /// The number of pieces.
  let pieces: Int
  /// The size of the largest piece.
  let size: Int
  private let unit, units: Int

  init(_ count: Int, largest: Int, atLeast: Int = 1, multipleOf unit: Int = 1, threads: Int = 1) {
    self.count = count
    self.unit = unit
    let limit = largest >= count ? count : max(unit, largest / unit * unit)
    let wanted = max((count + limit - 1) / max(1, limit), min(atLeast, count), 1)
    units = (count + unit - 1) / unit
    let fitting = max(1, (units + wanted - 1) / wanted)
    let needed = max(1, (units + fitting - 1) / fitting)
    let shared = (needed + threads - 1) / threads * threads
    pieces = needed > threads && shared <= units ? shared : needed
    size = max(1, min((units + pieces - 1) / pieces * unit, limit))
  }

  /// The range of a piece.
  subscript(index: Int) -> Range<Int> {
    index * units / pieces * unit..<min(count, (index + 1) * units / pieces * unit)
  }
}

extension EvenPieces {
  /// Makes tiles of rows for products with packed weights of `depth` × `columns`. Larger weights get tiles of more rows, so that they are
  /// read from memory less often. Tiles stay small enough for the cache and numerous enough for all threads.
  static func ofRows(_ rows: Int, depth: Int, columns: Int, threads: Int) -> EvenPieces {
    let weightBytes = ElementType.float32.byteCount(of: depth * columns)
    let largest = weightBytes > 1 << 22 ? 384 : weightBytes > 1 << 19 ? 192 : 96
    let wanted = threads == 1 ? 1 : 4 * threads
    return EvenPieces(rows, largest: largest, atLeast: min(wanted, max(threads, rows / 48)), multipleOf: 6)
  }
}
