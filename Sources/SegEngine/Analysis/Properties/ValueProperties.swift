/// What can be proven of a value of a graph without running it: the range of its elements, whether they are labels or a
/// distribution, and which axes are those of the image.
package struct ValueProperties: Hashable, Sendable {
  /// Every element lies in it. After bicubic interpolation elements may overshoot it by the kernel's negative lobes.
  package var range: ValueRange
  /// Whether every element is a whole number.
  package var isInteger: Bool
  /// Whether the elements name something (an index of the largest, the answer to a question) and do not measure it. The mean of two of
  /// them makes no sense.
  package var isCategorical: Bool
  /// The only values that occur, ascending, where they are known and few.
  package var levels: [Double]?
  /// The axis along which the elements are not negative and add up to 1, but for rounding and quantisation.
  package var unitSumAxis: Int?
  /// Whether the elements are logarithms of probabilities, those of one distribution along an axis or each by itself.
  package var isLogProbability: Bool
  /// What each axis is of the image.
  package var axes: [AxisMeaning]
  /// How the elements depend on those of another value.
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

  /// A value of which nothing is known.
  package static func unknown(_ spec: TensorSpec) -> ValueProperties {
    ValueProperties(isInteger: spec.elementType != .float32, axes: .init(repeating: .unknown, count: spec.shape.rank))
  }

  /// What a constant's elements say of it.
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

  /// The values once each, ascending, where they are few.
  package static func few(_ values: some Sequence<Double>) -> [Double]? {
    let set = Set(values)
    return set.count <= 8 ? set.sorted() : nil
  }

  /// The same axes with elements of which nothing is known but their range.
  package func with(range: ValueRange) -> ValueProperties { ValueProperties(range: range, axes: axes) }

  /// What is true of elements that are some of this value's and some of another's; axes are this value's.
  package func joined(with other: ValueProperties) -> ValueProperties {
    var result = with(range: range.hull(other.range))
    result.isInteger = isInteger && other.isInteger
    // 0 or 1 beside labels is a label: constants name nothing by themselves.
    result.isCategorical =
      (isCategorical && (other.isCategorical || other.levels != nil)) || (other.isCategorical && levels != nil)
    if let levels, let others = other.levels { result.levels = ValueProperties.few(levels + others) }
    result.isLogProbability = isLogProbability && other.isLogProbability
    return result
  }

  /// The elements rounded to whole numbers.
  package func rounded(_ rule: FloatingPointRoundingRule) -> ValueProperties {
    var result = with(range: range.growing { $0.rounded(rule) })
    result.isInteger = true
    result.isCategorical = isCategorical
    result.levels = levels.flatMap { ValueProperties.few($0.map { $0.rounded(rule) }) }
    return result
  }

  /// The answers to a question, 0 or 1.
  package static func answers(axes: [AxisMeaning]) -> ValueProperties {
    ValueProperties(range: .unit, isInteger: true, isCategorical: true, levels: [0, 1], axes: axes)
  }

  /// Every element multiplied by a number and another added.
  package func scaled(by scale: Double, plus shift: Double) -> ValueProperties {
    var result = with(range: range * ValueRange(scale) + ValueRange(shift))
    result.isInteger = isInteger && scale == scale.rounded() && shift == shift.rounded()
    result.isCategorical = isCategorical && scale != 0
    result.levels = levels.flatMap { ValueProperties.few($0.map { $0 * scale + shift }) }
    if scale == 1, shift == 0 { (result.unitSumAxis, result.isLogProbability) = (unitSumAxis, isLogProbability) }
    return result
  }
}
