import SegEngine

/// Rows of a network's channels at another size, one after the other from the top, by a separable filter
/// (``Preprocessing/Resampling``). As the Pillow library does it, samples of 8 bits are computed in fixed point and rounded after each
/// direction; all others are summed in Double without rounding.
///
/// The horizontal direction comes first, as in Pillow up to version 12. Later versions begin with the vertical one where that is
/// less work: the same but for rounding, one step of 255 at most.
struct ResampledRows<Stored: ImageSample> {
  typealias Sample = Stored.Working

  private var rows: ResizedRows<Stored>
  private let vertical: ResamplingFilter<Sample.Weight>?
  /// The rows that the vertical filter is at, at the new width: row r of the image is at r modulo their number.
  private var ring: [Sample]
  private let ringCount: Int
  /// Rows that have been given.
  private var given = 0
  private var sums: [Sample.Sum]

  init(_ source: ChannelRows<Stored>, to size: Extent2D, by resampling: Preprocessing.Resampling) {
    rows = ResizedRows(source, to: size.width, by: resampling)
    vertical =
      source.height == size.height ? nil : ResamplingFilter(resampling, from: source.height, to: size.height)
    ringCount = vertical?.largestCount ?? 0
    let rowCount = size.width * source.channels
    ring = [Sample](repeating: 0, count: ringCount * rowCount)
    sums = [Sample.Sum](repeating: 0, count: vertical == nil ? 0 : rowCount)
  }

  /// Gives the next row, `[width, channels]`.
  mutating func next(into target: inout [Sample]) {
    defer { given += 1 }
    guard let vertical else { return rows.next(into: &target, at: 0) }
    let taps = vertical.taps(at: given)
    let count = sums.count
    while rows.given < taps.first + taps.count { rows.next(into: &ring, at: rows.given % ringCount * count) }
    for index in 0..<count { sums[index] = Sample.half }
    for tap in 0..<taps.count {
      let weight = vertical.weights[taps.start + tap]
      let start = (taps.first + tap) % ringCount * count
      for index in 0..<count { sums[index] = ring[start + index].multiplied(by: weight, addedTo: sums[index]) }
    }
    for index in 0..<count { target[index] = Sample(sum: sums[index]) }
  }
}

/// The rows of a network's channels at another width.
private struct ResizedRows<Stored: ImageSample> {
  typealias Sample = Stored.Working

  private let source: ChannelRows<Stored>
  private let horizontal: ResamplingFilter<Sample.Weight>?
  /// A row at the image's width.
  private var row: [Sample]
  /// Rows that have been given.
  private(set) var given = 0

  init(_ source: ChannelRows<Stored>, to width: Int, by resampling: Preprocessing.Resampling) {
    self.source = source
    horizontal = source.width == width ? nil : ResamplingFilter(resampling, from: source.width, to: width)
    row = [Sample](repeating: 0, count: horizontal == nil ? 0 : source.width * source.channels)
  }

  /// Gives the next row, `[width, channels]`, at a place of `target`.
  mutating func next(into target: inout [Sample], at start: Int) {
    defer { given += 1 }
    guard let horizontal else { return source.read(given, into: &target, at: start) }
    source.read(given, into: &row, at: 0)
    let channels = source.channels
    var index = start
    for position in 0..<horizontal.count {
      let taps = horizontal.taps(at: position)
      for channel in 0..<channels {
        var sum = Sample.half
        var place = taps.first * channels + channel
        for tap in taps.start..<taps.start + taps.count {
          sum = row[place].multiplied(by: horizontal.weights[tap], addedTo: sum)
          place += channels
        }
        target[index] = Sample(sum: sum)
        index += 1
      }
    }
  }
}

/// For each output position, the first input position that it reads and the weights from there on, which sum to 1.
private struct ResamplingFilter<Weight: ResamplingWeight> {
  /// Of one output position: the first input position, the place of its weight, and how many there are.
  typealias Taps = (first: Int, start: Int, count: Int)

  private(set) var weights: [Weight] = []
  private var firsts: [Int] = []
  private var starts: [Int] = []
  /// Most weights of a position.
  private(set) var largestCount = 0

  init(_ resampling: Preprocessing.Resampling, from: Int, to: Int) {
    let scale = Double(from) / Double(to)
    for position in 0..<to {
      let (first, raw) = resampling.taps(at: position, scale: scale, extent: from)
      let sum = raw.reduce(0, +)
      firsts.append(first)
      starts.append(weights.count)
      weights += raw.map { Weight(share: sum == 0 ? $0 : $0 / sum) }
      largestCount = max(largestCount, raw.count)
    }
    starts.append(weights.count)
  }

  /// Output positions.
  var count: Int { firsts.count }

  func taps(at position: Int) -> Taps {
    (firsts[position], starts[position], starts[position + 1] - starts[position])
  }
}

/// A weight of the resizing filter.
protocol ResamplingWeight {
  init(share: Double)
}

extension Double: ResamplingWeight {
  init(share: Double) { self = share }
}

extension Int32: ResamplingWeight {
  /// 22 fractional bits.
  init(share: Double) { self = Int32((share * Double(1 << 22)).rounded(.toNearestOrAwayFromZero)) }
}

/// A sample as resizing computes with it.
protocol WorkingSample: ExpressibleByIntegerLiteral {
  associatedtype Sum: ExpressibleByIntegerLiteral
  associatedtype Weight: ResamplingWeight

  /// What sums begin with, so that cutting them rounds.
  static var half: Sum { get }
  init(sum: Sum)
  func multiplied(by weight: Weight, addedTo sum: Sum) -> Sum
  var float: Float { get }
  /// (19595 R + 38470 G + 7471 B) / 65536.
  static func luma(_ red: Self, _ green: Self, _ blue: Self) -> Self
}

extension UInt8: WorkingSample {
  static var half: Int32 { 1 << 21 }
  init(sum: Int32) { self = UInt8(clamping: sum >> 22) }
  var float: Float { Float(self) }
  func multiplied(by weight: Int32, addedTo sum: Int32) -> Int32 { sum &+ Int32(self) &* weight }

  static func luma(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> UInt8 {
    let sum: UInt32 = UInt32(red) * 19595 + UInt32(green) * 38470 + UInt32(blue) * 7471
    return UInt8((sum + 0x8000) >> 16)
  }
}

extension Float: WorkingSample {
  static var half: Double { 0 }
  init(sum: Double) { self = Float(sum) }
  var float: Float { self }
  func multiplied(by weight: Double, addedTo sum: Double) -> Double { sum + Double(self) * weight }

  static func luma(_ red: Float, _ green: Float, _ blue: Float) -> Float {
    (red * 19595 + green * 38470 + blue * 7471) / 65536
  }
}
