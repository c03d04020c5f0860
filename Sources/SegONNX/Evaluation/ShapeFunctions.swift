import SegEngine

/// Operators that create or change shapes and constants without arithmetic on elements.
extension ONNXEvaluator {
  static let shapes: [String: Body] = [
    "Shape": shapeOf, "Size": sizeOf, "Reshape": reshape, "Flatten": flatten, "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Identity": identity, "Constant": constant, "ConstantOfShape": constantOfShape, "Range": range, "Cast": cast,
    "CastLike": castLike, "Dropout": dropout, "EyeLike": eyeLike,
  ]

  @Sendable private static func shapeOf(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let dimensions = try call.operand(0).shape.dimensions
    // Both bounds are clamped (Shape-15).
    func end(_ value: Int) -> Int { min(max(value < 0 ? value + dimensions.count : value, 0), dimensions.count) }
    let start = end(try call.attributes.int("start", default: 0))
    let stop = max(start, end(try call.attributes.int("end", default: dimensions.count)))
    return [ONNXConstant(.int64, [stop - start], integers: dimensions[start..<stop].map { Int64($0) })]
  }

  @Sendable private static func sizeOf(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    [ONNXConstant(.int64, [], integers: [Int64(try call.operand(0).shape.elementCount)])]
  }

  @Sendable private static func reshape(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    guard let wanted = try call.ints("shape", orOperand: 1) else { throw ONNXFailure("its shape is missing") }
    let keepsZeros = try call.attributes.flag("allowzero")
    var dimensions: [Int] = []
    var open: Int?
    for (axis, extent) in wanted.enumerated() {
      if extent == -1 {
        guard open == nil else { throw ONNXFailure("its shape \(wanted) leaves two extents open") }
        open = axis
        dimensions.append(1)
      } else if extent == 0, !keepsZeros {
        guard axis < value.shape.rank else {
          throw ONNXFailure("its shape \(wanted) copies an axis that \(value.shape) lacks")
        }
        dimensions.append(value.shape[axis])
      } else {
        dimensions.append(extent)
      }
    }
    let count = value.shape.elementCount
    if let open {
      let rest = try call.shape(dimensions).elementCount
      guard rest > 0, count % rest == 0 else { throw ONNXFailure("\(value.shape) cannot be seen as \(wanted)") }
      dimensions[open] = count / rest
    }
    guard let shape = Shape(validating: dimensions), shape.elementCount == count else {
      throw ONNXFailure("\(value.shape) cannot be seen as \(wanted)")
    }
    return [value.reshaped(shape)]
  }

  @Sendable private static func flatten(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let rank = value.shape.rank
    let given = try call.attributes.int("axis", default: 1)
    guard given >= -rank, given <= rank else { throw ONNXFailure("there is no axis \(given) among \(rank)") }
    let axis = given < 0 ? given + rank : given
    let dimensions = value.shape.dimensions
    // If an extent is 0, these products are not bounded by the number of elements.
    let rows = dimensions[..<axis].reduce(1, clampedProduct)
    let columns = dimensions[axis...].reduce(1, clampedProduct)
    return [value.reshaped(try call.shape([rows, columns]))]
  }

  @Sendable private static func squeeze(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let shape = value.shape
    var dropped = Set(shape.dimensions.indices.filter { shape[$0] == 1 })
    if let axes = try call.ints("axes", orOperand: 1) {
      let axes = try call.axes(axes, of: shape.rank)
      guard axes.allSatisfy({ shape[$0] == 1 }) else {
        throw ONNXFailure("\(shape) has more than one element along its axes \(axes)")
      }
      dropped = Set(axes)
    }
    let kept = shape.dimensions.indices.filter { !dropped.contains($0) }
    return [value.reshaped(Shape(kept.map { shape[$0] }))]
  }

  @Sendable private static func unsqueeze(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    guard let list = try call.ints("axes", orOperand: 1) else { throw ONNXFailure("its axes are missing") }
    guard list.count <= 64 else { throw ONNXFailure("its axes are too many") }
    let rank = value.shape.rank + list.count
    let axes = Set(try call.axes(list, of: rank))
    var rest = value.shape.dimensions[...]
    let dimensions = (0..<rank).map { axes.contains($0) ? 1 : rest.removeFirst() }
    return [value.reshaped(Shape(dimensions))]
  }

  @Sendable private static func identity(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    [try call.operand(0)]
  }

  @Sendable private static func constant(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let attributes = call.attributes
    if let value = try attributes.tensor("value") { return [value] }
    if let value = try attributes.float("value_float") { return [ONNXConstant(.float, [], floats: [value])] }
    if let values = try attributes.floats("value_floats") {
      return [ONNXConstant(.float, [values.count], floats: values)]
    }
    if let value = try attributes.int("value_int") { return [ONNXConstant(.int64, [], integers: [Int64(value)])] }
    if let values = try attributes.ints("value_ints") {
      return [ONNXConstant(.int64, [values.count], integers: values.map { Int64($0) })]
    }
    throw ONNXFailure("its value is missing, or is sparse or text")
  }

  @Sendable private static func constantOfShape(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let shape = try call.shape(try call.ints(0))
    let value = try call.attributes.tensor("value") ?? ONNXConstant(.float, [], floats: [0])
    guard value.shape.elementCount == 1 else { throw ONNXFailure("its value of \(value.shape) is no scalar") }
    return [value.filling(shape)]
  }

  @Sendable private static func range(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (start, limit, delta) = (try call.scalar(0), try call.scalar(1), try call.scalar(2))
    guard start.type == limit.type, start.type == delta.type else { throw ONNXFailure("its operands differ in type") }
    guard !start.type.isFloat else {
      let (first, last, step) = (Double(start.floats[0]), Double(limit.floats[0]), Double(delta.floats[0]))
      let count = ((last - first) / step).rounded(.up)
      guard step != 0, count.isFinite, count < 0x1p62 else {
        throw ONNXFailure("it counts from \(first) to \(last) by \(step)")
      }
      let shape = try call.shape([Int(max(count, 0))])
      return [ONNXConstant(start.type, shape, floats: (0..<shape[0]).map { Float(first + Double($0) * step) })]
    }
    let (first, last, step) = (start.integers[0], limit.integers[0], delta.integers[0])
    let (span, overflow) = last.subtractingReportingOverflow(first)
    guard step != 0, step != .min, !overflow, span != .min else {
      throw ONNXFailure("it counts from \(first) to \(last) by \(step)")
    }
    let count = (span < 0) == (step < 0) && span != 0 ? (span.magnitude - 1) / step.magnitude + 1 : 0
    let shape = try call.shape([Int(clamping: count)])
    return [ONNXConstant(start.type, shape, integers: (0..<shape[0]).map { first &+ Int64($0) &* step })]
  }

  @Sendable private static func cast(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    guard let number = try call.attributes.int("to") else { throw ONNXFailure("its type is missing") }
    guard let type = ONNXElement(rawValue: Int32(clamping: number)) else {
      throw ONNXFailure("the element type \(number) is not supported")
    }
    let saturates = try call.attributes.flag("saturate", default: true)
    return [cast(try call.operand(0), to: type, saturates: saturates)]
  }

  @Sendable private static func castLike(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let saturates = try call.attributes.flag("saturate", default: true)
    return [cast(try call.operand(0), to: try call.operand(1).type, saturates: saturates)]
  }

  /// Returns the input and the mask. Dropout is the identity during inference.
  @Sendable private static func dropout(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    if call.optional(2) != nil, try call.scalar(2).integers[0] != 0 {
      let ratio = call.optional(1) == nil ? 0.5 : try call.scalar(1).floats[0]
      guard ratio == 0 else { throw ONNXFailure("it is in training mode, which is not supported") }
    }
    let kept = ONNXConstant(.bool, [], integers: [1]).filling(value.shape)
    return [value, call.opset < 10 ? cast(kept, to: value.type) : kept]
  }

  @Sendable private static func eyeLike(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    guard value.shape.rank == 2 else { throw ONNXFailure("its operand of \(value.shape) is no matrix") }
    let number = try call.attributes.int("dtype", default: Int(value.type.rawValue))
    guard let type = ONNXElement(rawValue: Int32(clamping: number)) else {
      throw ONNXFailure("the element type \(number) is not supported")
    }
    let diagonal = try call.attributes.int("k", default: 0)
    let (rows, columns) = (value.shape[0], value.shape[1])
    var elements = [Int64](repeating: 0, count: value.shape.elementCount)
    for row in 0..<(columns == 0 ? 0 : rows) {
      let column = clampedSum(row, diagonal)
      if column >= 0, column < columns { elements[row * columns + column] = 1 }
    }
    return [ONNXConstant(type, value.shape, integers: elements)]
  }
}
