extension Image {
  /// Converts the image to 8-bit RGB, interleaved, `[height, width, 3]`. Grey samples are used for all three; alpha and further bands are
  /// left out.
  package func rgb8() -> [UInt8] {
    let white = white
    switch samples {
    case .uint8(let samples) where white == 255: return rgb8(samples) { $0 }
    case .uint8(let samples): return rgb8(samples) { UInt8(level: Float($0), of: white) }
    case .uint16(let samples): return rgb8(samples) { UInt8(level: Float($0), of: white) }
    case .float32(let samples): return rgb8(samples) { UInt8(level: $0, of: white) }
    }
  }

  private func rgb8<Sample>(_ samples: [Sample], _ convert: (Sample) -> UInt8) -> [UInt8] {
    // Grey samples are used for green and blue too.
    let (green, blue) = layout.isColor ? (1, 2) : (0, 0)
    var result: [UInt8] = []
    result.reserveCapacity(width * height * 3)
    for pixel in stride(from: 0, to: samples.count, by: layout.count) {
      result.append(convert(samples[pixel]))
      result.append(convert(samples[pixel + green]))
      result.append(convert(samples[pixel + blue]))
    }
    return result
  }
}

extension UInt8 {
  /// Rounds a sample to the nearest of 256 levels between black and white; NaN becomes black.
  fileprivate init(level sample: Float, of white: Float) {
    let level = (sample * 255 / white).rounded()
    self = level >= 255 ? 255 : level > 0 ? UInt8(level) : 0
  }
}
