import SegEngine

/// Resizing of images before they enter a network, as the Pillow library does it, which most networks were trained with: where
/// an image shrinks, the triangle filter widens by the same factor, so that no pixel is skipped; samples of 8 bits are computed
/// in fixed point and rounded after each direction.
///
/// The horizontal direction comes first, as in Pillow up to version 12. Later versions begin with the vertical one where that is
/// less work: the same but for rounding, one step of 255 at most.
enum ImageResampling {
  /// The interleaved samples of an image at another size.
  static func bilinear(_ samples: [UInt8], from: Extent2D, to: Extent2D, channels: Int) -> [UInt8] {
    let horizontal = Filter(from: from.width, to: to.width)
    let vertical = Filter(from: from.height, to: to.height)
    let wide =
      from.width == to.width
      ? samples : horizontal.apply(samples, outer: from.height, inner: channels, UInt8.init(fixedPoint:))
    return from.height == to.height
      ? wide : vertical.apply(wide, outer: 1, inner: to.width * channels, UInt8.init(fixedPoint:))
  }

  /// The interleaved samples of an image at another size, without rounding.
  static func bilinear(_ samples: [Float], from: Extent2D, to: Extent2D, channels: Int) -> [Float] {
    let wide = Filter(from: from.width, to: to.width).apply(samples, outer: from.height, inner: channels)
    return Filter(from: from.height, to: to.height).apply(wide, outer: 1, inner: to.width * channels)
  }

  /// For each output position, the first input position that it reads and the weights from there on, which sum to 1.
  private struct Filter {
    let from: Int
    let weights: [(first: Int, weights: [Double])]

    init(from: Int, to: Int) {
      self.from = from
      let scale = Double(from) / Double(to)
      let support = max(scale, 1)
      weights = (0..<to).map { position in
        let center = (Double(position) + 0.5) * scale
        let first = max(0, Int(center - support + 0.5))
        let last = min(from, Int(center + support + 0.5))
        let raw = (first..<last).map { max(0, 1 - abs((Double($0) - center + 0.5) / support)) }
        let sum = raw.reduce(0, +)
        return (first, sum == 0 ? raw : raw.map { $0 / sum })
      }
    }

    /// Fixed-point weights of 22 fractional bits, half a unit added before the sum is cut to 8 bits.
    func apply(
      _ samples: [UInt8], outer: Int, inner: Int, _ finish: (Int32) -> UInt8
    ) -> [UInt8] {
      let fixed = weights.map {
        ($0.first, $0.weights.map { Int32(($0 * Double(1 << 22)).rounded(.toNearestOrAwayFromZero)) })
      }
      var result = [UInt8](repeating: 0, count: outer * weights.count * inner)
      samples.withUnsafeBufferPointer { samples in
        for block in 0..<outer {
          for (position, (first, weights)) in fixed.enumerated() {
            for element in 0..<inner {
              var sum: Int32 = 1 << 21
              for (offset, weight) in weights.enumerated() {
                sum &+= Int32(samples[(block * from + first + offset) * inner + element]) &* weight
              }
              result[(block * fixed.count + position) * inner + element] = finish(sum)
            }
          }
        }
      }
      return result
    }

    func apply(_ samples: [Float], outer: Int, inner: Int) -> [Float] {
      var result = [Float](repeating: 0, count: outer * weights.count * inner)
      for block in 0..<outer {
        for (position, (first, weights)) in weights.enumerated() {
          for element in 0..<inner {
            var sum = 0.0
            for (offset, weight) in weights.enumerated() {
              sum += Double(samples[(block * from + first + offset) * inner + element]) * weight
            }
            result[(block * self.weights.count + position) * inner + element] = Float(sum)
          }
        }
      }
      return result
    }
  }
}

extension UInt8 {
  fileprivate init(fixedPoint sum: Int32) { self = UInt8(clamping: sum >> 22) }
}
