/// For each output position, the first input position that it reads and the weights from there on, which sum to 1.
struct ResamplingFilter<Weight: ResamplingWeight> {
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

extension ResamplingFilter {
  /// Filters a row of pixels `[extent, channels]` into one of `[count, channels]`. A sample's taps are summed from first to last.
  func filter<Sample: WorkingSample>(
    _ source: UnsafePointer<Sample>, channels: Int, _ target: UnsafeMutablePointer<Sample>
  ) where Sample.Weight == Weight {
    weights.withUnsafeBufferPointer { weights in
      for position in 0..<count {
        let taps = taps(at: position)
        let weights = weights.baseAddress! + taps.start
        let pixels = source + taps.first * channels
        let target = target + position * channels
        if channels == 3 {
          // Three sums at once: each waits for its own last term alone.
          var (red, green, blue) = (Sample.half, Sample.half, Sample.half)
          for tap in 0..<taps.count {
            let (weight, pixel) = (weights[tap], pixels + 3 * tap)
            red = pixel[0].multiplied(by: weight, addedTo: red)
            green = pixel[1].multiplied(by: weight, addedTo: green)
            blue = pixel[2].multiplied(by: weight, addedTo: blue)
          }
          target[0] = Sample(sum: red)
          target[1] = Sample(sum: green)
          target[2] = Sample(sum: blue)
        } else {
          for channel in 0..<channels {
            var sum = Sample.half
            for tap in 0..<taps.count {
              sum = pixels[tap * channels + channel].multiplied(by: weights[tap], addedTo: sum)
            }
            target[channel] = Sample(sum: sum)
          }
        }
      }
    }
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
