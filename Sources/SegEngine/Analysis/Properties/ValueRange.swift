/// A closed interval that contains every element of a value, by interval arithmetic (Moore 1966) in Double.
///
/// Ends may be infinite. Float32 rounding is not modelled: computed elements may exceed the interval by a few units in
/// the last place.
package struct ValueRange: Hashable, Sendable {
  package let lowest, highest: Double

  /// Creates an interval; ``everything`` if an end is NaN.
  package init(_ lowest: Double, _ highest: Double) {
    let isInterval = lowest <= highest
    self.lowest = isInterval ? lowest : -.infinity
    self.highest = isInterval ? highest : .infinity
  }

  /// The interval from −∞ to ∞.
  package static let everything = ValueRange(-.infinity, .infinity)
  package static let unit = ValueRange(0, 1)

  package init(_ value: Double) { self.init(value, value) }

  /// The smallest interval that contains the values; ``everything`` if there are none.
  package init(around values: [Double]) { self.init(values.min() ?? -.infinity, values.max() ?? .infinity) }

  package var isBounded: Bool { lowest.isFinite && highest.isFinite }

  /// Whether the interval lies within another, up to `slack` at both ends.
  package func isWithin(_ other: ValueRange, slack: Double = 0) -> Bool {
    lowest >= other.lowest - slack && highest <= other.highest + slack
  }

  /// The smallest interval that contains both.
  package func hull(_ other: ValueRange) -> ValueRange {
    ValueRange(min(lowest, other.lowest), max(highest, other.highest))
  }

  /// The intersection of both; `other` if they do not intersect.
  package func intersection(_ other: ValueRange) -> ValueRange {
    let (low, high) = (max(lowest, other.lowest), min(highest, other.highest))
    return low <= high ? ValueRange(low, high) : other
  }

  /// The image under an increasing function.
  package func growing(_ function: (Double) -> Double) -> ValueRange { ValueRange(function(lowest), function(highest)) }

  package static func + (a: ValueRange, b: ValueRange) -> ValueRange {
    ValueRange(a.lowest + b.lowest, a.highest + b.highest)
  }

  package static prefix func - (a: ValueRange) -> ValueRange { ValueRange(-a.highest, -a.lowest) }

  package static func - (a: ValueRange, b: ValueRange) -> ValueRange { a + -b }

  package static func * (a: ValueRange, b: ValueRange) -> ValueRange {
    // 0 · ∞ is 0, because an infinite end stands for arbitrarily large finite numbers.
    func product(_ p: Double, _ q: Double) -> Double { p == 0 || q == 0 ? 0 : p * q }
    return ValueRange(
      around: [a.lowest, a.highest].flatMap { p in [b.lowest, b.highest].map { product(p, $0) } })
  }

  /// The reciprocals of all elements; ``everything`` if the interval contains elements of both signs.
  package var reciprocal: ValueRange {
    if lowest >= 0 { return ValueRange(1 / highest, lowest == 0 ? .infinity : 1 / lowest) }
    if highest <= 0 { return ValueRange(highest == 0 ? -.infinity : 1 / highest, 1 / lowest) }
    return .everything
  }

  package func combined(_ operation: BinaryOperation, _ other: ValueRange) -> ValueRange {
    switch operation {
    case .add: return self + other
    case .subtract: return self - other
    case .multiply: return self * other
    case .divide: return self * other.reciprocal
    case .maximum: return ValueRange(max(lowest, other.lowest), max(highest, other.highest))
    case .minimum: return ValueRange(min(lowest, other.lowest), min(highest, other.highest))
    case .power:
      guard other.lowest == other.highest else { return lowest >= 0 ? ValueRange(0, .infinity) : .everything }
      let exponent = other.lowest
      if exponent == 2 { return ElementwiseFunction.abs.range(of: self).growing { $0 * $0 } }
      if lowest >= 0, exponent >= 0 { return growing { BinaryOperation.power($0, exponent) } }
      return lowest >= 0 ? ValueRange(0, .infinity) : .everything
    }
  }
}

extension ElementwiseFunction {
  /// The image of an interval under the function.
  func range(of x: ValueRange) -> ValueRange {
    switch self {
    case .identity: return x
    case .relu, .clip, .tanh, .sigmoid, .exp, .erf: return x.growing { limit($0) }
    case .softplus: return x.growing { $0 == -.infinity ? 0 : $0 == .infinity ? .infinity : self($0) }
    case .leakyReLU(let slope) where slope >= 0: return x.growing { limit($0) }
    case .elu(let alpha) where alpha >= 0: return x.growing { limit($0) }
    case .hardSigmoid(let slope, _) where slope >= 0: return slope == 0 ? .unit : x.growing { limit($0) }
    case .hardSigmoid: return .unit
    case .log: return x.growing { $0 <= 0 ? -.infinity : self($0) }
    case .sqrt: return x.growing { $0 <= 0 ? 0 : self($0) }
    case .abs:
      if x.lowest >= 0 { return x }
      if x.highest <= 0 { return -x }
      return ValueRange(0, max(-x.lowest, x.highest))
    case .negate: return -x
    case .reciprocal: return x.reciprocal
    // These functions decrease below 0 to a minimum, return to 0, and increase above 0.
    case .gelu: return dipping(x, by: 0.17)
    case .geluTanh: return dipping(x, by: 0.171)
    case .silu: return dipping(x, by: 0.2785)
    case .hardSwish: return dipping(x, by: 0.375)
    case .quantize(let step, _, _): return step > 0 ? x.growing { self($0) } : .everything
    case .leakyReLU, .elu: return .everything
    }
  }

  /// The function value, or its limit at infinite ends.
  private func limit(_ x: Double) -> Double {
    guard x.isInfinite else { return self(x) }
    let value = self(x > 0 ? 1e300 : -1e300)
    return value.magnitude > 1e200 ? (value > 0 ? .infinity : -.infinity) : value
  }

  private func dipping(_ x: ValueRange, by depth: Double) -> ValueRange {
    let high = max(0, x.highest == .infinity ? .infinity : self(x.highest))
    return ValueRange(x.lowest >= 0 ? self(x.lowest) : -depth, high)
  }
}
