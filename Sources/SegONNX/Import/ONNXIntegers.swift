import SegEngine

/// The numbers of a quantised value as float32, in which the engine computes with them.
///
/// The value itself holds ``numbers`` + ``zero`` as integers. They are computed only where something reads them: a quantised network is
/// computed in float32 from end to end, exactly.
final class ONNXIntegers {
  /// The integers less the zero point, as float32.
  let numbers: ONNXValue
  /// The zero point, an integer; `nil` for 0.
  let zero: ONNXValue?
  /// The numbers times a scale, where they are computed in one step with the quantisation.
  let real: (value: ONNXValue, scale: Float)?

  init(_ numbers: ONNXValue, zero: ONNXValue?, real: (value: ONNXValue, scale: Float)? = nil) {
    self.numbers = numbers
    self.zero = zero
    self.real = real
  }

  /// Returns whether a zero point is this one.
  func hasZero(_ other: ONNXValue?) -> Bool { ONNXIntegers.areEqual(zero, other) }

  /// Returns whether two zero points are one number, or one computed value.
  static func areEqual(_ a: ONNXValue?, _ b: ONNXValue?) -> Bool {
    func number(_ value: ONNXValue?) -> Int64? {
      guard let value else { return 0 }
      guard let known = value.known, known.tensor.count == 1 else { return nil }
      return known.integers[0]
    }
    if let p = number(a), let q = number(b) { return p == q }
    if case .flowing(let p, _)? = a?.content, case .flowing(let q, _)? = b?.content { return p.id == q.id }
    return false
  }
}

/// The range of an integer type as float32.
struct ONNXIntegerRange {
  let low, high: Float

  /// Makes the range of a type of up to 16 bits, whose numbers and differences are exact in float32; `nil` for others.
  init?(_ type: ONNXElement) {
    guard let (bits, isSigned) = type.integerFormat, bits <= 16 else { return nil }
    let count = Float(1 << bits)
    (low, high) = isSigned ? (-count / 2, count / 2 - 1) : (0, count - 1)
  }
}

extension ONNXStep {
  /// Returns an input of one known number; `nil` if it is computed, has more numbers, or is omitted.
  func scalar(_ index: Int) -> Float? {
    guard let known = optional(index)?.known, known.tensor.count == 1 else { return nil }
    return known.floats[0]
  }

  /// Returns a value whose elements are whole numbers or floats as float32, without a change of its axes.
  func asFloat(_ value: ONNXValue) -> ONNXValue {
    if value.type.isFloat { return value }
    switch value.content {
    case .known(let constant):
      return ONNXValue(ONNXConstant(.float, constant.shape, floats: constant.floats))
    case .flowing(let flowing, let axes):
      if let integers = value.integers, integers.hasZero(nil) { return integers.numbers }
      return ONNXValue(.float, flowing.apply(Cast(to: .float32), named: node.name + ".float"), axes: axes)
    }
  }

  /// Returns a vector along an axis of a value of the given rank as a value that broadcasts to it; a single number stays as it is.
  func along(_ axis: Int, rank: Int, _ vector: ONNXValue) throws -> ONNXValue {
    let count = vector.dimensions.reduce(1, *)
    if count == 1 { return try shaped(vector, []) }
    guard vector.rank == 1, axis >= 0, axis < rank else {
      throw ONNXFailure("a scale or zero point of \(vector.dimensions) is not supported")
    }
    var extents = [Int](repeating: 1, count: rank)
    extents[axis] = count
    return try shaped(vector, extents)
  }

  /// Returns the numbers of an integer input less a zero point as float32.
  ///
  /// - Parameters:
  ///   - zero: The zero point, one number or one for each index along `axis`; `nil` for 0.
  ///   - axis: An axis of the input.
  func centered(_ x: ONNXValue, zero: ONNXValue?, axis: Int = 0) throws -> ONNXValue {
    guard !x.type.isFloat, x.type != .bool else { throw ONNXFailure("is not defined for \(x.type)") }
    let isScalar = zero == nil || zero!.dimensions.reduce(1, *) == 1
    if isScalar, let integers = x.integers {
      if integers.hasZero(zero) { return integers.numbers }
      var numbers = integers.numbers
      if let own = integers.zero { numbers = try combined(.add, numbers, try along(0, rank: 1, asFloat(own))) }
      guard let zero else { return numbers }
      return try combined(.subtract, numbers, try along(0, rank: 1, asFloat(zero)))
    }
    let numbers = asFloat(x)
    guard let zero, !ONNXIntegers.areEqual(zero, nil) else { return numbers }
    let shift = try along(axis, rank: x.rank, asFloat(zero))
    if let x = numbers.known, let shift = shift.known {
      // Weights stay constants.
      let shifted = ONNXEvaluator.merge(
        x.floats, shift.broadcast(to: x.shape).floats
      ) { $0 - $1 }
      return ONNXValue(ONNXConstant(.float, x.shape, floats: shifted))
    }
    return try combined(.subtract, numbers, shift)
  }

  /// Returns numbers, less a zero point, as a value of an integer type. What reads the integers gets a conversion of them.
  func integers(
    _ type: ONNXElement, _ numbers: ONNXValue, zero: ONNXValue?, real: (value: ONNXValue, scale: Float)? = nil
  ) throws -> ONNXValue {
    var whole = numbers
    if let zero, !ONNXIntegers.areEqual(zero, nil) {
      whole = try combined(.add, numbers, try along(0, rank: 1, asFloat(zero)))
    }
    let order = whole.axes
    let value = importer.arranged(whole, as: order).apply(
      Cast(to: type.elementType), named: node.name + ".integers")
    var result = ONNXValue(type, value, axes: order)
    result.integers = ONNXIntegers(numbers, zero: zero, real: real)
    return result
  }

  /// Returns a real value, in units of the result's scale, as a quantised value: round(x) + zero point, ties to even, saturated to the
  /// range of the type.
  func rounded(
    _ x: ONNXValue, _ type: ONNXElement, zero: ONNXValue?, axis: Int = 0,
    real: ((_ low: Float, _ high: Float) throws -> (value: ONNXValue, scale: Float)?)? = nil
  ) throws -> ONNXValue {
    guard let range = ONNXIntegerRange(type) else { throw ONNXFailure("quantisation to \(type) is not supported") }
    let order = x.axes
    func map(_ x: ONNXValue, _ function: ElementwiseFunction) -> ONNXValue {
      ONNXValue(.float, importer.arranged(x, as: order).map(function, named: node.name + ".rounded"), axes: order)
    }
    let known = zero == nil ? 0 : zero!.known.flatMap { $0.tensor.count == 1 ? $0.floats[0] : nil }
    if let known {
      let (low, high) = (range.low - known, range.high - known)
      let numbers = map(x, .quantize(step: 1, low: low, high: high))
      return try integers(type, numbers, zero: zero, real: try real?(low, high))
    }
    // The zero point is computed, or there are several.
    let whole = map(x, .quantize(step: 1, low: -0x1p22, high: 0x1p22))
    let shifted = try combined(.add, whole, try along(axis, rank: x.rank, asFloat(zero!)))
    let bounded = importer.arranged(shifted, as: shifted.axes).map(
      .clip(low: range.low, high: range.high), named: node.name + ".saturated")
    return try integers(type, ONNXValue(.float, bounded, axes: shifted.axes), zero: nil)
  }

  /// The operators that move elements, whose other operands are no part of the result.
  private static let moving: Set<String> = [
    "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Slice", "Split", "Gather", "Identity", "DepthToSpace",
    "SpaceToDepth", "Expand", "MaxPool", "Resize", "Upsample", "Concat",
  ]

  /// Returns the results of an operator that moves elements of quantised values, whose numbers are moved as float32; `nil` for other
  /// operators and values.
  func movedIntegers() throws -> [ONNXValue]? {
    guard node.domain.isEmpty, ONNXStep.moving.contains(node.kind), let rule = ONNXImporter.rules[node.kind],
      let first = inputs.first ?? nil, let integers = first.integers
    else { return nil }
    if node.kind == "Resize" || node.kind == "Upsample",
      try attributes.string("mode", default: "nearest") != "nearest"
    {
      return nil
    }
    if node.kind == "MaxPool", node.outputs.count > 1 { return nil }
    func results(_ replacing: (ONNXIntegers) -> ONNXValue?) throws -> [ONNXValue]? {
      var inputs = inputs
      for index in inputs.indices where index == 0 || node.kind == "Concat" {
        guard let integers = inputs[index]?.integers, integers.hasZero(first.integers?.zero),
          inputs[index]!.type == first.type,
          let value = replacing(integers)
        else { return nil }
        inputs[index] = value
      }
      return try rule(ONNXStep(importer: importer, node: node, inputs: inputs))
    }
    guard let moved = try results({ $0.numbers }) else { return nil }
    var reals: [ONNXValue]?
    if let scale = integers.real?.scale {
      reals = try results { other in other.real.flatMap { $0.scale == scale ? $0.value : nil } }
    }
    return try moved.indices.map { index in
      try self.integers(
        first.type, moved[index], zero: integers.zero,
        real: reals.map { (value: $0[index], scale: integers.real!.scale) })
    }
  }
}
