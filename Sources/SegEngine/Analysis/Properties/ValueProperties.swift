/// Properties of a graph's value that can be proven without running it: the range of its elements, whether they are
/// labels or a distribution, and which of its axes are the image's.
package struct ValueProperties: Hashable, Sendable {
  /// The range of the elements. After bicubic interpolation, elements may exceed it by the kernel's negative lobes.
  package var range: ValueRange
  /// Whether all elements are integers.
  package var isInteger: Bool
  /// Whether the elements are categories (an argmax, or the result of a comparison) rather than quantities. Their mean
  /// has no meaning.
  package var isCategorical: Bool
  /// All values that occur, in ascending order, if they are known and few.
  package var levels: [Double]?
  /// The axis along which elements are non-negative and sum to 1, up to rounding and quantisation.
  package var unitSumAxis: Int?
  /// Whether the elements are log-probabilities, of one distribution along an axis or each by itself.
  package var isLogProbability: Bool
  /// The meaning of each axis with respect to the image.
  package var axes: [AxisMeaning]
  /// The relation of the elements to those of another value.
  package var relation: ValueRelation?

  package init(
    range: ValueRange = .everything, isInteger: Bool = false, isCategorical: Bool = false, levels: [Double]? = nil,
    unitSumAxis: Int? = nil, axes: [AxisMeaning]
  ) {
    self.range = range
    self.isInteger = isInteger
    self.isCategorical = isCategorical
    self.levels = levels
    self.unitSumAxis = unitSumAxis
    self.axes = axes
    isLogProbability = false
    relation = nil
  }

  /// A value without known properties.
  package static func unknown(_ spec: TensorSpec) -> ValueProperties {
    ValueProperties(isInteger: spec.elementType != .float32, axes: .init(repeating: .unknown, count: spec.shape.rank))
  }

  /// The properties of a constant.
  package init(_ constant: Tensor) {
    self.init(axes: .init(repeating: .unknown, count: constant.shape.rank))
    let values: [Double] =
      switch constant.elementType {
      case .float32: constant.elements(of: Float.self).map(Double.init)
      case .uint8: constant.elements(of: UInt8.self).map(Double.init)
      case .uint16: constant.elements(of: UInt16.self).map(Double.init)
      case .int32: constant.elements(of: Int32.self).map(Double.init)
      case .int64: constant.elements(of: Int64.self).map(Double.init)
      }
    guard !values.isEmpty, !values.contains(where: \.isNaN) else { return }
    range = ValueRange(around: values)
    isInteger = values.allSatisfy { $0.isFinite && $0 == $0.rounded() }
    if values.count <= 64 { levels = ValueProperties.few(values) }
  }

  /// The distinct values in ascending order, if they are few.
  package static func few(_ values: some Sequence<Double>) -> [Double]? {
    let set = Set(values)
    return set.count <= 8 ? set.sorted() : nil
  }

  /// The same axes, with a range and no other known properties of the elements.
  package func with(range: ValueRange) -> ValueProperties { ValueProperties(range: range, axes: axes) }

  /// The properties of a value whose elements come from this and another value, with this value's axes.
  package func joined(with other: ValueProperties) -> ValueProperties {
    var result = with(range: range.hull(other.range))
    result.isInteger = isInteger && other.isInteger
    // Constants are not categorical by themselves, but 0 and 1 combined with labels are labels.
    result.isCategorical =
      (isCategorical && (other.isCategorical || other.levels != nil)) || (other.isCategorical && levels != nil)
    if let levels, let others = other.levels { result.levels = ValueProperties.few(levels + others) }
    result.isLogProbability = isLogProbability && other.isLogProbability
    return result
  }

  /// The properties after rounding to integers.
  package func rounded(_ rule: FloatingPointRoundingRule) -> ValueProperties {
    var result = with(range: range.growing { $0.rounded(rule) })
    result.isInteger = true
    result.isCategorical = isCategorical
    result.levels = levels.flatMap { ValueProperties.few($0.map { $0.rounded(rule) }) }
    return result
  }

  /// The result of a comparison: 0 or 1.
  package static func answers(axes: [AxisMeaning]) -> ValueProperties {
    ValueProperties(range: .unit, isInteger: true, isCategorical: true, levels: [0, 1], axes: axes)
  }

  /// The properties after multiplication by a scale and addition of a shift.
  package func scaled(by scale: Double, plus shift: Double) -> ValueProperties {
    var result = with(range: range * ValueRange(scale) + ValueRange(shift))
    result.isInteger = isInteger && scale == scale.rounded() && shift == shift.rounded()
    result.isCategorical = isCategorical && scale != 0
    result.levels = levels.flatMap { ValueProperties.few($0.map { $0 * scale + shift }) }
    if scale == 1, shift == 0 { (result.unitSumAxis, result.isLogProbability) = (unitSumAxis, isLogProbability) }
    return result
  }
}
