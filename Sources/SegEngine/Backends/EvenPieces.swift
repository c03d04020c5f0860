/// Cuts `count` into pieces that begin at multiples of `unit` and differ by one unit at most: none above `largest`, which is taken to be
/// a unit at least, and as many as `atLeast` as far as whole units allow. More pieces than `threads` are so many for each of them, where
/// units allow that: with a piece more or less than the others a thread makes them wait, or waits.
struct EvenPieces: Sendable {
  let count: Int
  let pieces: Int
  /// The most that a piece holds.
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

  subscript(index: Int) -> Range<Int> {
    index * units / pieces * unit..<min(count, (index + 1) * units / pieces * unit)
  }
}

extension EvenPieces {
  /// Tiles of rows for products with packed weights: enough rows that weights which come from beyond a core's caches are worth their
  /// way, few enough that there is work for every thread and a tile's rows stay in cache.
  static func ofRows(_ rows: Int, depth: Int, columns: Int, threads: Int) -> EvenPieces {
    let weightBytes = 4 * depth * columns
    let largest = weightBytes > 1 << 22 ? 384 : weightBytes > 1 << 19 ? 192 : 96
    let wanted = threads == 1 ? 1 : 4 * threads
    return EvenPieces(rows, largest: largest, atLeast: min(wanted, max(threads, rows / 48)), multipleOf: 6)
  }
}
