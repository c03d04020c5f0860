import SegEngine

/// How the rows of an image come to another size: by a separable filter (``Preprocessing/Resampling``), whose weights are computed once
/// for all threads that make rows. As the Pillow library does it, samples of 8 bits are computed in fixed point and rounded after each
/// direction; all others are summed in Double without rounding.
///
/// The horizontal direction comes first, as in Pillow up to version 12. Later versions begin with the vertical one where that is
/// less work: the same but for rounding, one step of 255 at most.
struct ImageResampling<Stored: ImageSample> {
  typealias Sample = Stored.Working

  fileprivate let source: ChannelRows<Stored>
  fileprivate let horizontal, vertical: ResamplingFilter<Sample.Weight>?
  /// Samples of a resized row.
  fileprivate let rowCount: Int

  init(_ source: ChannelRows<Stored>, to size: Extent2D, by resampling: Preprocessing.Resampling) {
    self.source = source
    horizontal = source.width == size.width ? nil : ResamplingFilter(resampling, from: source.width, to: size.width)
    vertical = source.height == size.height ? nil : ResamplingFilter(resampling, from: source.height, to: size.height)
    rowCount = size.width * source.channels
  }

  /// Multiplications of a resized row, about, for sharing out rows among threads.
  var work: Int {
    let read = source.height * source.width * source.channels / max(1, vertical?.count ?? source.height)
    return read * (horizontal == nil ? 1 : 3) + rowCount * (vertical?.largestCount ?? 1)
  }
}

/// The resized rows of an image, one after the other from a given row on.
struct ResampledRows<Stored: ImageSample>: ~Copyable {
  typealias Sample = Stored.Working

  private let resampling: ImageResampling<Stored>
  /// The rows that the vertical filter is at, at the new width: row r of the image is at r modulo their number.
  private var ring: [Sample]
  private let ringCount: Int
  /// A row at the image's width.
  private var row: [Sample]
  private var sums: [Sample.Sum]
  /// The resized row, and the image's row, that comes next.
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

  /// Makes the next row, `[width, channels]`.
  mutating func next(into target: UnsafeMutablePointer<Sample>) {
    defer { next += 1 }
    guard let vertical = resampling.vertical else { return nextAtNewWidth(into: target) }
    let taps = vertical.taps(at: next)
    let count = resampling.rowCount
    // Rows before the first tap are over: no later row reads them.
    nextSource = max(nextSource, taps.first)
    while nextSource < taps.first + taps.count {
      let place = nextSource % ringCount * count
      // The row is made beside the ring, of which it becomes a part.
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

  /// Brings a row of the image to the new width.
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
