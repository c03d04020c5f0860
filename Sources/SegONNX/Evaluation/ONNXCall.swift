import SegEngine

/// A node with its inputs, with functions to read them and to check limits.
struct ONNXCall {
  let node: ONNXNode
  let inputs: [ONNXConstant?]

  var opset: Int { node.opset }
  var attributes: ONNXAttributes { node.attributes }

  /// Returns an optional input; `nil` if it is omitted.
  func optional(_ index: Int) -> ONNXConstant? { index < inputs.count ? inputs[index] : nil }

  /// Returns a required input.
  func operand(_ index: Int) throws(ONNXFailure) -> ONNXConstant {
    guard let operand = optional(index) else { throw ONNXFailure("its operand \(index) is missing") }
    return operand
  }

  /// Returns the integers of an input that holds shapes, axes or sizes.
  func ints(_ index: Int) throws(ONNXFailure) -> [Int] {
    let operand = try operand(index)
    guard operand.tensor.elementType != .float32 else { throw ONNXFailure("its operand \(index) is not of integers") }
    guard operand.shape.elementCount <= 1 << 20 else {
      throw ONNXFailure("its operand \(index) is no list of axes or sizes")
    }
    return operand.ints
  }

  /// Returns integers such as axes, which are an attribute in older operator versions and the input with the index in
  /// newer ones. Both are read in any version, because exporters mix them. The result is `nil` if neither is present.
  func ints(_ name: String, orOperand index: Int) throws(ONNXFailure) -> [Int]? {
    if optional(index) != nil { return try ints(index) }
    return try attributes.ints(name)
  }

  /// Returns an input that must have exactly one element.
  func scalar(_ index: Int) throws(ONNXFailure) -> ONNXConstant {
    let operand = try operand(index)
    guard operand.shape.elementCount == 1 else {
      throw ONNXFailure("its operand \(index) of \(operand.shape) is no scalar")
    }
    return operand
  }

  /// Returns the index of an axis; negative numbers count from the last axis.
  func axis(_ axis: Int, of rank: Int) throws(ONNXFailure) -> Int { try ONNXNode.axis(axis, of: rank) }

  /// Returns the index of the axis given by the attribute `axis`.
  func axis(of shape: Shape, default value: Int) throws(ONNXFailure) -> Int {
    try axis(try attributes.int("axis", default: value), of: shape.rank)
  }

  /// Returns the indices of axes in the given order. A repeated axis is an error.
  func axes(_ list: [Int], of rank: Int) throws(ONNXFailure) -> [Int] {
    var axes: [Int] = []
    var seen: Set<Int> = []
    for entry in list {
      let axis = try axis(entry, of: rank)
      guard seen.insert(axis).inserted else { throw ONNXFailure("axis \(entry) is named twice") }
      axes.append(axis)
    }
    return axes
  }

  /// Returns the shape of a result. A shape with more elements than the limit is an error.
  func shape(_ dimensions: [Int]) throws(ONNXFailure) -> Shape {
    guard let shape = Shape(validating: dimensions), shape.elementCount <= ONNXEvaluator.limits.elements else {
      throw ONNXFailure("a result of \(dimensions) elements is not possible")
    }
    return shape
  }

  /// Throws if the product of the factors, a number of operations, exceeds the limit.
  func spend(_ factors: Int...) throws(ONNXFailure) {
    var product = 1
    for factor in factors {
      let (next, overflow) = product.multipliedReportingOverflow(by: max(factor, 1))
      guard !overflow, next <= ONNXEvaluator.limits.operations else {
        throw ONNXFailure("it would take \(factors.map { String($0) }.joined(separator: " × ")) operations")
      }
      product = next
    }
  }

  /// Creates a constant from floating-point values. For an integer type they are rounded towards zero.
  func constant(_ type: ONNXElement, _ shape: Shape, _ values: [Float]) -> ONNXConstant {
    guard !type.isFloat else { return ONNXConstant(type, shape, floats: values) }
    return ONNXConstant(type, shape, integers: values.map { ONNXCall.integer($0) })
  }

  /// Rounds towards zero and clamps to the range of Int64. NaN becomes 0.
  static func integer(_ value: Float) -> Int64 {
    Int64(exactly: value.rounded(.towardZero)) ?? (value > 0 ? .max : value < 0 ? .min : 0)
  }
}

/// Saturating addition, for sizes from files. A saturated size is rejected later as a shape.
func clampedSum(_ a: Int, _ b: Int) -> Int {
  let (sum, overflow) = a.addingReportingOverflow(b)
  return overflow ? (a < 0 ? .min : .max) : sum
}

/// Saturating subtraction, for sizes from files.
func clampedDifference(_ a: Int, _ b: Int) -> Int {
  let (difference, overflow) = a.subtractingReportingOverflow(b)
  return overflow ? (a < 0 ? .min : .max) : difference
}

/// Saturating multiplication, for sizes from files.
func clampedProduct(_ a: Int, _ b: Int) -> Int {
  let (product, overflow) = a.multipliedReportingOverflow(by: b)
  return overflow ? ((a < 0) == (b < 0) ? .max : .min) : product
}
