/// A sample that inks and alpha are computed with.
protocol ColorSample: Comparable, ExpressibleByIntegerLiteral, AdditiveArithmetic {
  /// The number.
  var float: Float { get }
  /// A colour that was multiplied by alpha, as it was before.
  func divided(by alpha: Self, white: Self) -> Self
  /// What is left of white under this much of an ink and so much black.
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
  /// Divides the colours of each pixel by its alpha, the last of its samples.
  mutating func divideByAlpha(channels: Int, white: Element) {
    for pixel in stride(from: 0, to: count, by: channels) {
      let alpha = self[pixel + channels - 1]
      guard alpha > 0 else { continue }
      for index in pixel..<(pixel + channels - 1) { self[index] = self[index].divided(by: alpha, white: white) }
    }
  }
}
