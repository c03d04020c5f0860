import SegEngine

extension Image {
  /// Returns a warning if integers use at most a quarter of the range up to white, for instance 12 or 14 bits stored in 16.
  func rangeWarning(largest: Float) -> ImageWarning.Kind? {
    largest > 0 && largest * 4 <= white ? .littleOfRange(largest: largest, white: white) : nil
  }

  /// Returns the image with non-finite samples replaced by 0, and appends warnings about its samples. Floating-point samples may exceed 0
  /// and white by up to `white` without a warning: resizing and lighting can cause that.
  func withFiniteSamples(_ warnings: inout [ImageWarning.Kind]) -> Image {
    guard case .float32(var samples) = samples else { return self }
    var count = 0
    var (least, largest): (Float, Float) = (0, 0)
    for index in samples.indices {
      if samples[index].isFinite {
        least = min(least, samples[index])
        largest = max(largest, samples[index])
      } else {
        samples[index] = 0
        count += 1
      }
    }
    if white == 1, largest > 2 { warnings.append(.beyondWhite(largest: largest)) }
    if white == 1, least < -1 { warnings.append(.belowBlack(least: least)) }
    guard count > 0 else { return self }
    warnings.append(.notNumbers(count: count))
    return Image(width: width, height: height, layout: layout, samples: .float32(samples), white: white)
  }
}

extension Image.Samples {
  /// The largest finite sample; `nil` if there is none.
  var largest: Float? {
    switch self {
    case .uint8(let samples): samples.max().map { Float($0) }
    case .uint16(let samples): samples.max().map { Float($0) }
    case .float32(let samples): samples.lazy.filter(\.isFinite).max()
    }
  }
}
