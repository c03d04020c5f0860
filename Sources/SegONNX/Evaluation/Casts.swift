import SegEngine

extension ONNXEvaluator {
  /// Converts to another type as Cast-13 does. Floating-point numbers are rounded towards zero when they become
  /// integers; integers outside the range of the type keep their low bits; every number except 0 becomes true.
  ///
  /// - Parameter saturates: Whether what is beyond a floating-point type of 8 bits becomes its largest number.
  static func cast(_ value: ONNXConstant, to type: ONNXElement, saturates: Bool = true) -> ONNXConstant {
    if value.type == type { return value }
    if type == .bool {
      guard value.type.isFloat else { return ONNXConstant(type, value.shape, integers: value.integers) }
      return ONNXConstant(type, value.shape, integers: value.floats.map { $0 == 0 ? 0 : 1 })
    }
    guard type.isFloat else { return ONNXConstant(type, value.shape, integers: value.integers) }
    return ONNXConstant(type, value.shape, floats: rounded(value.floats, to: type, saturates: saturates))
  }

  /// Rounds values to the precision of a floating-point type.
  static func rounded(_ values: [Float], to type: ONNXElement, saturates: Bool = true) -> [Float] {
    if let narrow = type.narrowFormat?.floating { return values.map { narrow.rounded($0, saturates: saturates) } }
    switch type {
    case .float16: return values.map(half)
    case .bfloat16: return values.map { $0.isNaN ? $0 : BFloat16.number(BFloat16.bits(of: $0)) }
    default: return values
    }
  }

  /// Rounds to the nearest float16 number, ties to even. (`Float16` does not exist on every platform.)
  private static func half(_ value: Float) -> Float {
    guard value.isFinite, value != 0 else { return value }
    let magnitude = value.magnitude
    if magnitude >= 65520 { return value < 0 ? -.infinity : .infinity }
    // The significand has 11 bits. Below the smallest normal number the spacing is 2⁻²⁴.
    let step = Float(sign: .plus, exponent: max(Int(magnitude.exponent) - 10, -24), significand: 1)
    return (value / step).rounded(.toNearestOrEven) * step
  }
}
