/// For each output position, the first input position and the weights from there on, with sum 1.
struct ResamplingFilter<Weight: ResamplingWeight> {
  /// The taps of an output position: the first input position, the index of the first weight, and the number of
  /// weights.
  typealias Taps = (first: Int, start: Int, count: Int)

  private(set) var weights: [Weight] = []
  private var firsts: [Int] = []
  private var starts: [Int] = []
  /// The largest number of weights of any position.
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

  /// The number of output positions.
  var count: Int { firsts.count }

  func taps(at position: Int) -> Taps {
    (firsts[position], starts[position], starts[position + 1] - starts[position])
  }
}

extension ResamplingFilter {
  /// Filters a row of pixels `[extent, channels]` to `[count, channels]`. The taps of a sample are summed in order.
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
          // Three independent sums hide the latency of addition.
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
