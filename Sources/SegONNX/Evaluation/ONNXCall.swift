import SegEngine

/// A node with its operands, and the questions that every operator asks of them.
struct ONNXCall {
  let node: ONNXNode
  let inputs: [ONNXConstant?]

  var opset: Int { node.opset }
  var attributes: ONNXAttributes { node.attributes }

  /// An operand that may be left out.
  func optional(_ index: Int) -> ONNXConstant? { index < inputs.count ? inputs[index] : nil }

  func operand(_ index: Int) throws(ONNXFailure) -> ONNXConstant {
    guard let operand = optional(index) else { throw ONNXFailure("its operand \(index) is missing") }
    return operand
  }

  /// The values of an operand that holds shapes, axes or sizes.
  func ints(_ index: Int) throws(ONNXFailure) -> [Int] {
    let operand = try operand(index)
    guard operand.tensor.elementType != .float32 else { throw ONNXFailure("its operand \(index) is not of integers") }
    guard operand.shape.elementCount <= 1 << 20 else {
      throw ONNXFailure("its operand \(index) is no list of axes or sizes")
    }
    return operand.ints
  }

  /// Axes, sizes or the like: an attribute up to one version, the operand at `index` from then on. Either place is read in any
  /// version, as exporters mix them.
  func ints(_ name: String, orOperand index: Int) throws(ONNXFailure) -> [Int]? {
    if optional(index) != nil { return try ints(index) }
    return try attributes.ints(name)
  }

  /// The single value of an operand.
  func scalar(_ index: Int) throws(ONNXFailure) -> ONNXConstant {
    let operand = try operand(index)
    guard operand.shape.elementCount == 1 else {
      throw ONNXFailure("its operand \(index) of \(operand.shape) is no scalar")
    }
    return operand
  }

  /// An axis, counted from the end where it is negative.
  func axis(_ axis: Int, of rank: Int) throws(ONNXFailure) -> Int {
    guard axis >= -rank, axis < rank else { throw ONNXFailure("there is no axis \(axis) among \(rank)") }
    return axis < 0 ? axis + rank : axis
  }

  /// The attribute `axis`.
  func axis(of shape: Shape, default value: Int) throws(ONNXFailure) -> Int {
    try axis(try attributes.int("axis", default: value), of: shape.rank)
  }

  /// Axes in the order given, each once.
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

  /// A shape for a result.
  func shape(_ dimensions: [Int]) throws(ONNXFailure) -> Shape {
    guard let shape = Shape(validating: dimensions), shape.elementCount <= ONNXEvaluator.limits.elements else {
      throw ONNXFailure("a result of \(dimensions) elements is not possible")
    }
    return shape
  }

  /// Refuses work that would not end in a useful time.
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

  /// A constant of floating-point values, or of another type as far as it holds them.
  func constant(_ type: ONNXElement, _ shape: Shape, _ values: [Float]) -> ONNXConstant {
    guard !type.isFloat else { return ONNXConstant(type, shape, floats: values) }
    return ONNXConstant(type, shape, integers: values.map { ONNXCall.integer($0) })
  }

  /// A float cut towards zero; those beyond the range become its ends, and NaN zero.
  static func integer(_ value: Float) -> Int64 {
    Int64(exactly: value.rounded(.towardZero)) ?? (value > 0 ? .max : value < 0 ? .min : 0)
  }
}

/// Sums and products that stop at the ends of the range instead of trapping, for sizes out of a file: what is that large is refused
/// as a shape afterwards.
func clampedSum(_ a: Int, _ b: Int) -> Int {
  let (sum, overflow) = a.addingReportingOverflow(b)
  return overflow ? (a < 0 ? .min : .max) : sum
}

func clampedDifference(_ a: Int, _ b: Int) -> Int {
  let (difference, overflow) = a.subtractingReportingOverflow(b)
  return overflow ? (a < 0 ? .min : .max) : difference
}

func clampedProduct(_ a: Int, _ b: Int) -> Int {
  let (product, overflow) = a.multipliedReportingOverflow(by: b)
  return overflow ? ((a < 0) == (b < 0) ? .max : .min) : product
}
