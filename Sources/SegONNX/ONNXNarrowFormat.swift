import SegEngine

/// The numbers of 4 and 8 bits in files: int4 and uint4, the formats of Micikevicius et al. 2022 (FP8 Formats for Deep Learning) and of
/// Noune et al. 2022 (8-bit Numerical Formats for Deep Neural Networks), and that of 4 bits of the OCP Microscaling Formats.
struct ONNXNarrowFormat {
  /// A floating-point format with a sign, exponent and mantissa.
  struct Floating {
    let exponentBits, mantissaBits, bias: Int
    /// Whether codes with the largest exponent are infinities and NaN, as in IEEE 754.
    let hasInfinities: Bool
    /// Whether there is no negative zero; its code is NaN.
    let isUnsignedZero: Bool
    /// Whether the two codes whose exponent and mantissa bits are all set are NaN.
    let hasLastNaN: Bool

    /// Whether there is a code for what is no number.
    private var hasNaN: Bool { hasInfinities || isUnsignedZero || hasLastNaN }

    /// Returns the number of a code.
    func value(_ code: UInt8) -> Float {
      let magnitude = Int(code) & (1 << (exponentBits + mantissaBits) - 1)
      let isNegative = Int(code) >> (exponentBits + mantissaBits) & 1 == 1
      if isUnsignedZero, isNegative, magnitude == 0 { return .nan }
      if hasLastNaN, magnitude == 1 << (exponentBits + mantissaBits) - 1 { return .nan }
      let (exponent, mantissa) = (magnitude >> mantissaBits, magnitude & (1 << mantissaBits - 1))
      let value: Float
      if hasInfinities, exponent == 1 << exponentBits - 1 {
        value = mantissa == 0 ? .infinity : .nan
      } else if exponent == 0 {
        value = Float(sign: .plus, exponent: 1 - bias - mantissaBits, significand: Float(mantissa))
      } else {
        value = Float(
          sign: .plus, exponent: exponent - bias - mantissaBits, significand: Float(mantissa + 1 << mantissaBits))
      }
      return isNegative ? -value : value
    }

    /// The largest finite number.
    var largest: Float {
      (0..<1 << (exponentBits + mantissaBits)).map { value(UInt8($0)) }.filter(\.isFinite).max() ?? 0
    }

    /// Returns the nearest number of the format, ties to even (Cast-19). What is beyond the largest number becomes that one if `saturates`,
    /// else infinity or NaN. A format without NaN always saturates, and NaN becomes −0, as in the cases of the onnx package.
    func rounded(_ x: Float, saturates: Bool) -> Float {
      guard !x.isNaN else { return hasNaN ? .nan : -0.0 }
      let largest = largest
      var result = x
      if x.isFinite, x != 0 {
        let exponent = max(Int(x.magnitude.exponent), 1 - bias) - mantissaBits
        let step = Float(sign: .plus, exponent: exponent, significand: 1)
        result = (x / step).rounded(.toNearestOrEven) * step
      }
      guard result.magnitude > largest else { return result == 0 && isUnsignedZero ? 0 : result }
      if saturates || !hasNaN { return result < 0 ? -largest : largest }
      return hasInfinities ? (result < 0 ? -.infinity : .infinity) : .nan
    }
  }

  let type: ONNXElement
  let floating: Floating?
  /// 4 or 8.
  let bits: Int

  /// Converts packed numbers; of two in a byte the first has the low bits.
  func tensor(_ shape: Shape, from bytes: UnsafeRawBufferPointer) -> Tensor {
    let mask = bits == 4 ? 15 : 255
    func code(_ index: Int) -> UInt8 {
      bits == 4 ? bytes[index / 2] >> UInt8(index % 2 * 4) & 15 : bytes[index]
    }
    let count = shape.elementCount
    if let floating {
      let values = (0...mask).map { floating.value(UInt8($0)) }
      return Tensor(shape, (0..<count).map { values[Int(code($0))] })
    }
    return ONNXConstant(type, shape, integers: (0..<count).map { Int64(code($0)) }).tensor
  }
}

extension ONNXElement {
  /// The format of a type of 4 or 8 bits that a tensor does not hold as it is in the file; `nil` for the others.
  var narrowFormat: ONNXNarrowFormat? {
    func float(
      _ exponent: Int, _ mantissa: Int, _ bias: Int, infinities: Bool = false, unsignedZero: Bool = false,
      lastNaN: Bool = false
    ) -> ONNXNarrowFormat {
      ONNXNarrowFormat(
        type: self,
        floating: .init(
          exponentBits: exponent, mantissaBits: mantissa, bias: bias, hasInfinities: infinities,
          isUnsignedZero: unsignedZero, hasLastNaN: lastNaN), bits: 1 + exponent + mantissa)
    }
    switch self {
    case .float8e4m3fn: return float(4, 3, 7, lastNaN: true)
    case .float8e4m3fnuz: return float(4, 3, 8, unsignedZero: true)
    case .float8e5m2: return float(5, 2, 15, infinities: true)
    case .float8e5m2fnuz: return float(5, 2, 16, unsignedZero: true)
    case .float4e2m1: return float(2, 1, 1)
    case .uint4, .int4: return ONNXNarrowFormat(type: self, floating: nil, bits: 4)
    default: return nil
    }
  }

  /// Whether this is a floating-point type of 4 or 8 bits, whose numbers are rounded when a value is converted to it.
  var isNarrowFloat: Bool { narrowFormat?.floating != nil }

  /// Returns the size of a tensor in a file in bytes; `nil` on overflow.
  func byteCount(of shape: Shape) -> Int? {
    narrowFormat?.bits == 4 ? (shape.elementCount + 1) / 2 : stored.byteCount(of: shape)
  }
}
