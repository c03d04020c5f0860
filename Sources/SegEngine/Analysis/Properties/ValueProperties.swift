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

/// What an axis of a value is of the image from which the value is computed: one thing, several merged by a reshape (outermost first),
/// or unknown.
package struct AxisMeaning: Hashable, Sendable {
  /// A part of an axis, with its extent.
  package struct Part: Hashable, Sendable {
    package var role: AxisRole
    package var extent: Int
  }

  package var parts: [Part]

  package init(_ role: AxisRole, _ extent: Int) { parts = [Part(role: role, extent: extent)] }
  package init(_ parts: [Part]) { self.parts = parts }

  package static let unknown = AxisMeaning([])

  /// What the axis is, where it is one thing.
  package var role: AxisRole? { parts.count == 1 ? parts[0].role : nil }

  /// The same for another extent; an axis of several parts loses them.
  func resized(to extent: Int) -> AxisMeaning {
    if parts.count == 1 { return AxisMeaning(parts[0].role, extent) }
    return parts.reduce(1, { $0 * $1.extent }) == extent ? self : .unknown
  }
}

/// An axis of an image.
package enum AxisRole: String, Hashable, Sendable { case batch, height, width, channel }

/// How the elements of a value depend on those of another, the *base*, for quotients whose range no interval tells.
package struct ValueRelation: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// The base's elements themselves, in any order and shape.
    case elements
    /// The least, or the largest, of the base or of some axes of it.
    case minimum, maximum
    /// The sum along one axis of the base, which stays with extent 1.
    case sum(axis: Int)
    /// The base less its least: not negative.
    case aboveMinimum
    /// The largest less the least, or more.
    case span
  }

  package var kind: Kind
  /// The index of the base among the graph's values.
  package var base: Int
  /// Whether these are the reciprocals.
  package var isReciprocal = false
}

/// An operand as the rules see it.
package struct OperandProperties {
  package let spec: TensorSpec
  /// The elements, where they are known.
  package let constant: Tensor?
  private let computed: ValueProperties?

  init(_ spec: TensorSpec, constant: Tensor) {
    self.spec = spec
    self.constant = constant
    computed = nil
  }

  package init(_ spec: TensorSpec, _ properties: ValueProperties) {
    self.spec = spec
    constant = nil
    computed = properties
  }

  /// What is proven of it. A constant's elements are read when this is asked for, since few rules do.
  package var properties: ValueProperties { computed ?? constant.map(ValueProperties.init) ?? .unknown(spec) }

  package var axes: [AxisMeaning] { computed?.axes ?? .init(repeating: .unknown, count: spec.shape.rank) }
}

/// An operator that says what is true of its outputs by what is true of its inputs.
///
/// Of any other operator's outputs nothing is known but that axes follow those of its inputs of the same rank.
package protocol PropertyInferring: Operator {
  /// One for each output. Where axes are left empty they follow those of the inputs of the same rank.
  func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties]
}

extension [AxisMeaning] {
  /// The axes of an output, each that of the first input that says something about the axis at the same place from the end; inputs of
  /// other ranks count where `broadcasting`.
  package static func following(
    _ inputs: [OperandProperties], to output: TensorSpec, broadcasting: Bool = false
  ) -> [AxisMeaning] {
    let rank = output.shape.rank
    return (0..<rank).map { axis in
      for input in inputs where input.spec.shape.rank == rank || broadcasting {
        let place = axis - (rank - input.spec.shape.rank)
        guard place >= 0 else { continue }
        let meaning = input.axes[place]
        guard !meaning.parts.isEmpty, !broadcasting || input.spec.shape[place] == output.shape[axis] else { continue }
        return meaning.resized(to: output.shape[axis])
      }
      return .unknown
    }
  }

  /// The axes of the same elements under another shape: parts stay together where the new extents are products of theirs.
  package func reshaped(from: Shape, to shape: Shape) -> [AxisMeaning] {
    guard !from.dimensions.contains(0) else { return .init(repeating: .unknown, count: shape.rank) }
    var parts: [Part] = []
    for (axis, meaning) in zip(from.dimensions, self) {
      let known = meaning.parts.filter { $0.extent != 1 }
      if known.reduce(1, { $0 * $1.extent }) == axis {
        parts += known.map { Part(role: $0.role, extent: $0.extent) }
      } else if axis != 1 {
        parts.append(Part(role: nil, extent: axis))
      }
    }
    var result: [AxisMeaning] = []
    var rest = parts[...]
    for extent in shape.dimensions {
      var taken: [Part] = []
      var product = 1
      while product < extent, let next = rest.first {
        rest.removeFirst()
        if extent % (product * next.extent) == 0 {
          taken.append(next)
          product *= next.extent
        } else if (product * next.extent) % extent == 0, extent % product == 0 {
          // The axis ends within a part: both pieces are of something that is no longer one axis.
          taken.append(Part(role: nil, extent: extent / product))
          rest = [Part(role: nil, extent: product * next.extent / extent)] + rest
          product = extent
        } else {
          return .init(repeating: .unknown, count: shape.rank)
        }
      }
      let roles = taken.compactMap { part in part.role.map { AxisMeaning.Part(role: $0, extent: part.extent) } }
      result.append(product == extent && roles.count == taken.count ? AxisMeaning(roles) : .unknown)
    }
    // A batch or channels of extent 1 are parts of nothing; where ranks are equal they stay.
    if shape.rank == count {
      for axis in indices where shape[axis] == 1 && from[axis] == 1 { result[axis] = self[axis] }
    }
    return result
  }
}

/// A part of an axis while it is reshaped.
private struct Part {
  var role: AxisRole?
  var extent: Int
}
