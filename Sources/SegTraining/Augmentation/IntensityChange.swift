import Foundation
import SegEngine

/// Changes of the intensities of a crop.
struct IntensityChange {
  let augmentation: Augmentation

  /// Changes a crop.
  ///
  /// - Parameters:
  ///   - pixels: Float32 `[size, size, channels]`.
  ///   - size: The side of the crop.
  func apply(_ pixels: inout MutableSpan<Float>, size: Int, channels: Int, using generator: inout SeededGenerator) {
    func happens(_ probability: Double?) -> Bool {
      probability.map { Double.random(in: 0..<1, using: &generator) < $0 } ?? false
    }
    func between(_ low: Double, _ high: Double) -> Double { Double.random(in: low...high, using: &generator) }
    if let blur = augmentation.blur, happens(blur.probability) {
      Self.blur(&pixels, size: size, channels: channels, deviation: between(blur.smallest, blur.largest))
    }
    if let gamma = augmentation.gamma, happens(gamma.probability) {
      let bound = log(gamma.range)
      Self.raise(&pixels, exponent: exp(between(-bound, bound)))
    }
    if let intensity = augmentation.intensity, happens(intensity.probability) {
      let factor = Float(between(1 - intensity.contrast, 1 + intensity.contrast))
      let summand = Float(between(-intensity.brightness, intensity.brightness))
      for index in 0..<pixels.count { pixels[index] = pixels[index] * factor + summand }
    }
    if let gains = augmentation.channelGains, happens(gains.probability) {
      let factors = (0..<channels).map { _ in Float(between(1 - gains.range, 1 + gains.range)) }
      for index in 0..<pixels.count { pixels[index] *= factors[index % channels] }
    }
    if let noise = augmentation.noise, happens(noise.probability) {
      let deviation = between(0, noise.deviation)
      for index in 0..<pixels.count { pixels[index] += Float(deviation) * generator.normal() }
    }
    if let cutout = augmentation.cutout, happens(cutout.probability) {
      let side = Int((cutout.side * Double(size)).rounded())
      for _ in 0..<cutout.count {
        let (top, left) = (
          Int.random(in: 0...size - side, using: &generator), Int.random(in: 0...size - side, using: &generator)
        )
        for row in top..<top + side {
          for index in (row * size + left) * channels..<(row * size + left + side) * channels { pixels[index] = 0 }
        }
      }
    }
  }

  /// Raises intensities between the smallest and the largest, as a share of their distance, to a power.
  private static func raise(_ pixels: inout MutableSpan<Float>, exponent: Double) {
    var (low, high) = (Float.infinity, -Float.infinity)
    for index in 0..<pixels.count { (low, high) = (min(low, pixels[index]), max(high, pixels[index])) }
    guard high > low else { return }
    let range = high - low
    for index in 0..<pixels.count {
      pixels[index] = low + range * Float(pow(Double((pixels[index] - low) / range), exponent))
    }
  }

  /// Convolves rows and columns with a Gaussian of three deviations on both sides; edges are repeated.
  private static func blur(_ pixels: inout MutableSpan<Float>, size: Int, channels: Int, deviation: Double) {
    let reach = max(1, Int((3 * deviation).rounded(.up)))
    var kernel = (-reach...reach).map { exp(-0.5 * Double($0 * $0) / (deviation * deviation)) }
    let sum = kernel.reduce(0, +)
    kernel = kernel.map { $0 / sum }
    var line = [Float](repeating: 0, count: size)
    for stride in [channels, size * channels] {
      let other = stride == channels ? size * channels : channels
      for first in 0..<size {
        for channel in 0..<channels {
          let start = first * other + channel
          for index in 0..<size { line[index] = pixels[start + index * stride] }
          for index in 0..<size {
            var value = 0.0
            for offset in -reach...reach {
              value += kernel[offset + reach] * Double(line[min(max(index + offset, 0), size - 1)])
            }
            pixels[start + index * stride] = Float(value)
          }
        }
      }
    }
  }
}
