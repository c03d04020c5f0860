import SegEngine

/// The resized rows of an image, in order from a given row.
struct ResampledRows<Stored: ImageSample>: ~Copyable {
  typealias Sample = Stored.Working

  private let resampling: ImageResampling<Stored>
  /// A ring buffer of rows at the new width that the vertical filter needs: image row r is at r modulo the number of
  /// rows.
  private var ring: [Sample]
  private let ringCount: Int
  /// A row at the image's width.
  private var row: [Sample]
  private var sums: [Sample.Sum]
  /// The index of the next resized row, and of the next row to read from the image.
  private var next, nextSource: Int

  init(_ resampling: ImageResampling<Stored>, from first: Int) {
    self.resampling = resampling
    let source = resampling.source
    ringCount = resampling.vertical?.largestCount ?? 0
    ring = [Sample](repeating: 0, count: ringCount * resampling.rowCount)
    row = [Sample](repeating: 0, count: resampling.horizontal == nil ? 0 : source.width * source.channels)
    sums = [Sample.Sum](repeating: 0, count: resampling.vertical == nil ? 0 : resampling.rowCount)
    next = first
    nextSource = resampling.vertical?.taps(at: first).first ?? first
  }

  /// Writes the next row, `[width, channels]`.
  mutating func next(into target: UnsafeMutablePointer<Sample>) {
    defer { next += 1 }
    guard let vertical = resampling.vertical else { return nextAtNewWidth(into: target) }
    let taps = vertical.taps(at: next)
    let count = resampling.rowCount
    // Rows before the first tap are not needed by any later row.
    nextSource = max(nextSource, taps.first)
    while nextSource < taps.first + taps.count {
      let place = nextSource % ringCount * count
      // Write to a separate row first, because the ring is accessed exclusively here.
      ring.withUnsafeMutableBufferPointer { ring in
        ResampledRows.resize(nextSource, of: resampling, through: &row, into: ring.baseAddress! + place)
      }
      nextSource += 1
    }
    ring.withUnsafeBufferPointer { ring in
      sums.withUnsafeMutableBufferPointer { sums in
        for index in 0..<count { sums[index] = Sample.half }
        for tap in 0..<taps.count {
          let weight = vertical.weights[taps.start + tap]
          let source = ring.baseAddress! + (taps.first + tap) % ringCount * count
          let sums = sums.baseAddress!
          for index in 0..<count { sums[index] = source[index].multiplied(by: weight, addedTo: sums[index]) }
        }
        for index in 0..<count { target[index] = Sample(sum: sums[index]) }
      }
    }
  }

  private mutating func nextAtNewWidth(into target: UnsafeMutablePointer<Sample>) {
    ResampledRows.resize(nextSource, of: resampling, through: &row, into: target)
    nextSource += 1
  }

  /// Resizes a row of the image to the new width.
  private static func resize(
    _ index: Int, of resampling: ImageResampling<Stored>, through row: inout [Sample],
    into target: UnsafeMutablePointer<Sample>
  ) {
    guard let horizontal = resampling.horizontal else { return resampling.source.read(index, into: target) }
    row.withUnsafeMutableBufferPointer { row in
      resampling.source.read(index, into: row.baseAddress!)
      horizontal.filter(row.baseAddress!, channels: resampling.source.channels, target)
    }
  }
}
