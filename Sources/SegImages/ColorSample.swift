/// A sample type with the arithmetic of inks and alpha.
protocol ColorSample: Comparable, ExpressibleByIntegerLiteral, AdditiveArithmetic {
  /// The sample as a `Float`.
  var float: Float { get }
  /// Returns the colour before it was multiplied by alpha.
  func divided(by alpha: Self, white: Self) -> Self
  /// Returns what this amount of an ink and this amount of black leave of white.
  func lessInk(_ black: Self, white: Self) -> Self
}

extension ColorSample where Self: FixedWidthInteger & UnsignedInteger {
  var float: Float { Float(self) }

  func divided(by alpha: Self, white: Self) -> Self {
    let straight = (Int(self) * Int(white) + Int(alpha) / 2) / Int(alpha)
    return Self(truncatingIfNeeded: Swift.min(straight, Int(white)))
  }

  func lessInk(_ black: Self, white: Self) -> Self {
    let light = Int(white) - Int(Swift.min(black, white))
    let absorbed = (Int(self) * light + Int(white) / 2) / Int(white)
    return Self(truncatingIfNeeded: Swift.max(light - absorbed, 0))
  }
}

extension UInt8: ColorSample {}
extension UInt16: ColorSample {}

extension Float: ColorSample {
  var float: Float { self }
  func divided(by alpha: Float, white: Float) -> Float { self / alpha * white }
  func lessInk(_ black: Float, white: Float) -> Float { (white - black) * (1 - self / white) }
}

extension Array where Element: ColorSample {
  /// Divides the colours of each pixel by its alpha, which is its last sample.
  mutating func divideByAlpha(channels: Int, white: Element) {
    for pixel in stride(from: 0, to: count, by: channels) {
      let alpha = self[pixel + channels - 1]
      guard alpha > 0 else { continue }
      for index in pixel..<(pixel + channels - 1) { self[index] = self[index].divided(by: alpha, white: white) }
    }
  }
}
