/// Conversions between float32 and bfloat16, the upper 16 bits of a float32.
package enum BFloat16 {
  /// Rounds a number to the nearest bfloat16, ties to even. Every NaN becomes the quiet NaN `0x7fc0`.
  package static func bits(of number: Float) -> UInt16 {
    guard !number.isNaN else { return 0x7fc0 }
    let bits = number.bitPattern
    return UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16)
  }

  /// The value of a bfloat16.
  package static func number(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

  /// The two numbers of a word, the one of the even index first.
  static func pair(_ word: Float) -> (Float, Float) {
    let bits = word.bitPattern
    return (Float(bitPattern: bits << 16), Float(bitPattern: bits & 0xffff_0000))
  }
}
