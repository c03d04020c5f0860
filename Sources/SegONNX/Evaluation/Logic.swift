import SegEngine

/// Comparisons, logical and bitwise operators.
extension ONNXEvaluator {
  static let logic: [String: Body] = [
    "Equal": compare({ $0 == $1 }, { $0 == $1 }), "Greater": compare({ $0 > $1 }, { $0 > $1 }),
    "GreaterOrEqual": compare({ $0 >= $1 }, { $0 >= $1 }), "Less": compare({ $0 < $1 }, { $0 < $1 }),
    "LessOrEqual": compare({ $0 <= $1 }, { $0 <= $1 }), "And": truth { $0 & $1 }, "Or": truth { $0 | $1 },
    "Xor": truth { $0 ^ $1 },
    "Not": not, "IsNaN": isNaN, "IsInf": isInf, "BitwiseAnd": bitwise { $0 & $1 }, "BitwiseOr": bitwise { $0 | $1 },
    "BitwiseXor": bitwise { $0 ^ $1 },
    "BitwiseNot": bitwiseNot, "BitShift": bitShift,
  ]

  private static func compare(
    _ float: @escaping @Sendable (Float, Float) -> Bool, _ integer: @escaping @Sendable (Int64, Int64) -> Bool
  ) -> Body {
    { (call) throws(ONNXFailure) in
      let (a, b) = try pair(call)
      let results: [UInt8] =
        a.type.isFloat
        ? merge(a.floats, b.floats) { float($0, $1) ? 1 : 0 }
        : merge(a.integers, b.integers) { integer($0, $1) ? 1 : 0 }
      return [ONNXConstant(.bool, Tensor(a.shape, results))]
    }
  }

  private static func truth(_ body: @escaping @Sendable (UInt8, UInt8) -> UInt8) -> Body {
    { (call) throws(ONNXFailure) in
      let (a, b) = try pair(call)
      guard a.type == .bool else { throw ONNXFailure("it is not defined for \(a.type)") }
      return [ONNXConstant(.bool, Tensor(a.shape, merge(a.tensor.elements(), b.tensor.elements(), body)))]
    }
  }

  @Sendable private static func not(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    guard value.type == .bool else { throw ONNXFailure("it is not defined for \(value.type)") }
    return [ONNXConstant(.bool, Tensor(value.shape, value.tensor.elements(of: UInt8.self).map { 1 - $0 }))]
  }

  private static func test(_ call: ONNXCall, _ body: (Float) -> Bool) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    guard value.type.isFloat else { throw ONNXFailure("it is not defined for \(value.type)") }
    return [ONNXConstant(.bool, Tensor(value.shape, value.floats.map { body($0) ? UInt8(1) : 0 }))]
  }

  @Sendable private static func isNaN(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    try test(call, \.isNaN)
  }

  @Sendable private static func isInf(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let positive = try call.attributes.flag("detect_positive", default: true)
    let negative = try call.attributes.flag("detect_negative", default: true)
    return try test(call) { $0.isInfinite && ($0 > 0 ? positive : negative) }
  }

  private static func bitwise(_ body: @escaping @Sendable (Int64, Int64) -> Int64) -> Body {
    { (call) throws(ONNXFailure) in
      let (a, b) = try pair(call)
      guard a.type.integerFormat != nil else { throw ONNXFailure("it is not defined for \(a.type)") }
      return [ONNXConstant(a.type, a.shape, integers: merge(a.integers, b.integers, body))]
    }
  }

  @Sendable private static func bitwiseNot(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    guard value.type.integerFormat != nil else { throw ONNXFailure("it is not defined for \(value.type)") }
    return [ONNXConstant(value.type, value.shape, integers: value.integers.map { ~$0 })]
  }

  @Sendable private static func bitShift(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (a, b) = try pair(call)
    guard let format = a.type.integerFormat else { throw ONNXFailure("it is not defined for \(a.type)") }
    let direction = try call.attributes.string("direction", default: "")
    guard direction == "LEFT" || direction == "RIGHT" else {
      throw ONNXFailure("its direction \(direction) is neither LEFT nor RIGHT")
    }
    // A distance that is negative or not less than the type's number of bits shifts out all bits.
    let results = merge(a.integers, b.integers) { value, distance -> Int64 in
      let isAll = distance < 0 || distance >= Int64(format.bits)
      if direction == "LEFT" { return isAll ? 0 : value &<< distance }
      if format.isSigned { return isAll ? (value < 0 ? -1 : 0) : value &>> distance }
      return isAll ? 0 : Int64(bitPattern: UInt64(bitPattern: value) &>> UInt64(distance))
    }
    return [ONNXConstant(a.type, a.shape, integers: results)]
  }
}
