import Foundation
import SegEngine

/// Elementwise arithmetic with broadcasting.
extension ONNXEvaluator {
  static let arithmetic: [String: Body] = [
    "Add": fold { $0 &+ $1 }, "Sub": fold { $0 &- $1 }, "Mul": fold { $0 &* $1 }, "Div": divide, "Mod": remainder,
    "Pow": power, "Max": fold { max($0, $1) }, "Min": fold { min($0, $1) }, "Sum": fold { $0 &+ $1 }, "PRelu": prelu,
    "Clip": clip, "Where": choose,
  ]

  /// Returns the two inputs, which must have the same type, broadcast to a common shape.
  static func pair(_ call: ONNXCall) throws(ONNXFailure) -> (ONNXConstant, ONNXConstant) {
    let (a, b) = (try call.operand(0), try call.operand(1))
    guard a.type == b.type else { throw ONNXFailure("its operands differ in type: \(a.type) and \(b.type)") }
    let shape = try call.broadcast([a.shape, b.shape])
    return (a.broadcast(to: shape), b.broadcast(to: shape))
  }

  /// Returns the results of a function of the elements of two arrays of the same length.
  static func merge<A, B, Result>(_ a: [A], _ b: [B], _ body: (A, B) -> Result) -> [Result] {
    [Result](unsafeUninitializedCapacity: a.count) { buffer, count in
      for index in a.indices { (buffer.baseAddress! + index).initialize(to: body(a[index], b[index])) }
      count = a.count
    }
  }

  /// Returns the results of a function of the elements of two constants of the same type and shape.
  private static func combine(
    _ a: ONNXConstant, _ b: ONNXConstant, _ float: (Float, Float) -> Float, _ integer: (Int64, Int64) -> Int64
  ) -> ONNXConstant {
    if a.type.isFloat { return ONNXConstant(a.type, a.shape, floats: merge(a.floats, b.floats, float)) }
    return ONNXConstant(a.type, a.shape, integers: merge(a.integers, b.integers, integer))
  }

  /// Returns the larger number; NaN if either number is NaN.
  @Sendable static func greater(_ a: Float, _ b: Float) -> Float { a.isNaN || a > b ? a : b }
  /// Returns the smaller number; NaN if either number is NaN.
  @Sendable static func lesser(_ a: Float, _ b: Float) -> Float { a.isNaN || a < b ? a : b }

  /// Makes an operator that folds a function over its integer inputs. The engine computes it for floating-point inputs.
  private static func fold(_ body: @escaping @Sendable (Int64, Int64) -> Int64) -> Body {
    { (call) throws(ONNXFailure) in
      var operands: [ONNXConstant] = []
      for index in call.inputs.indices { operands.append(try call.operand(index)) }
      guard let first = operands.first else { throw ONNXFailure("it has no operands") }
      guard operands.allSatisfy({ $0.type == first.type }) else {
        throw ONNXFailure("its operands differ in type: \(operands.map { "\($0.type)" }.joined(separator: " and "))")
      }
      let shape = try call.broadcast(operands.map(\.shape))
      guard !first.type.isFloat else { throw ONNXFailure("it is not defined for \(first.type) \(shape)") }
      let integers = operands.dropFirst().reduce(first.broadcast(to: shape).integers) {
        merge($0, $1.broadcast(to: shape).integers, body)
      }
      return [ONNXConstant(first.type, shape, integers: integers)]
    }
  }

  /// Throws if an integer divisor is 0. Division of the smallest integer by −1 wraps.
  private static func checkDivisors(_ constant: ONNXConstant) throws(ONNXFailure) {
    guard constant.type.isFloat || !constant.integers.contains(0) else {
      throw ONNXFailure("it divides integers by zero")
    }
  }

  @Sendable private static func divide(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (a, b) = try pair(call)
    try checkDivisors(b)
    guard !a.type.isFloat else { throw ONNXFailure("it is not defined for \(a.type) \(a.shape)") }
    let quotients = merge(a.integers, b.integers) { $0.dividedReportingOverflow(by: $1).partialValue }
    return [ONNXConstant(a.type, a.shape, integers: quotients)]
  }

  @Sendable private static func remainder(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (a, b) = try pair(call)
    try checkDivisors(b)
    let truncates = try call.attributes.flag("fmod")
    let result = combine(a, b) { (a: Float, b: Float) in
      let rest = fmodf(a, b)
      return truncates || rest == 0 || (rest < 0) == (b < 0) ? rest : rest + b
    } _: { (a: Int64, b: Int64) in
      let rest = a.remainderReportingOverflow(dividingBy: b).partialValue
      return truncates || rest == 0 || (rest < 0) == (b < 0) ? rest : rest &+ b
    }
    return [result]
  }

  /// Computes Pow-15: the base and the exponent may differ in type, and the result has the type of the base.
  @Sendable private static func power(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (base, exponent) = (try call.operand(0), try call.operand(1))
    let shape = try call.broadcast([base.shape, exponent.shape])
    let (a, b) = (base.broadcast(to: shape), exponent.broadcast(to: shape))
    guard a.type.isFloat || b.type.isFloat else {
      return [ONNXConstant(a.type, shape, integers: merge(a.integers, b.integers, integerPower))]
    }
    let values = merge(a.floats, b.floats) { Float(pow(Double($0), Double($1))) }
    return [call.constant(a.type, shape, values)]
  }

  private static func integerPower(_ base: Int64, _ exponent: Int64) -> Int64 {
    guard exponent >= 0 else { return base == 1 ? 1 : base == -1 ? (exponent & 1 == 0 ? 1 : -1) : 0 }
    var (result, square, rest) = (Int64(1), base, exponent)
    while rest > 0 {
      if rest & 1 == 1 { result &*= square }
      square &*= square
      rest >>= 1
    }
    return result
  }

  /// Computes PRelu-16.
  @Sendable private static func prelu(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    var given = try call.operand(1)
    let shape = value.shape
    guard given.type == value.type else { throw ONNXFailure("its operands differ in type") }
    // Before opset 7, slopes per channel have the shape [C].
    if shape.rank > 2, given.shape.rank == 1, given.shape[0] == shape[1],
      ![1, shape[shape.rank - 1]].contains(shape[1])
    {
      given = given.reshaped(Shape([shape[1]] + [Int](repeating: 1, count: shape.rank - 2)))
    }
    guard try call.broadcast([shape, given.shape]) == shape else {
      throw ONNXFailure("slopes of \(given.shape) do not broadcast to \(shape)")
    }
    let slope = given.broadcast(to: shape)
    return [
      combine(value, slope) {
        $0 < 0 ? $0 * $1 : $0
      } _: {
        $0 < 0 ? $0 &* $1 : $0
      }
    ]
  }

  /// Computes Clip-13; before opset 11, the bounds are attributes.
  @Sendable private static func clip(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    func bound(_ index: Int, _ name: String) throws(ONNXFailure) -> ONNXConstant? {
      if call.optional(index) != nil {
        let bound = try call.scalar(index)
        guard bound.type == value.type else { throw ONNXFailure("its bounds are of another type than its operand") }
        return bound
      }
      guard let bound = try call.attributes.float(name) else { return nil }
      return call.constant(value.type, [], [bound])
    }
    // If min > max, every element becomes max (Clip-13).
    var result = value
    if let low = try bound(1, "min") { result = combine(result, low.filling(value.shape), greater, max) }
    if let high = try bound(2, "max") { result = combine(result, high.filling(value.shape), lesser, min) }
    return [result]
  }

  /// Computes Where-16.
  @Sendable private static func choose(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (condition, a, b) = (try call.operand(0), try call.operand(1), try call.operand(2))
    guard a.type == b.type else { throw ONNXFailure("its operands differ in type: \(a.type) and \(b.type)") }
    guard condition.type == .bool else { throw ONNXFailure("its condition is of \(condition.type), not bool") }
    let shape = try call.broadcast([condition.shape, a.shape, b.shape])
    let which = condition.broadcast(to: shape).tensor.elements(of: UInt8.self)
    func chosen<N: Numeral>(_: N.Type) -> ONNXConstant {
      let (a, b) = (N.values(of: a.broadcast(to: shape)), N.values(of: b.broadcast(to: shape)))
      return N.constant(call.inputs[1]!.type, shape, which.indices.map { which[$0] != 0 ? a[$0] : b[$0] })
    }
    return [a.type.isFloat ? chosen(Float.self) : chosen(Int64.self)]
  }
}
