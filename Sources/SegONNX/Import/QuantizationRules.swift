import SegEngine

extension ONNXImporter {
  /// Quantisation, and operators on quantised numbers, of the domain `ai.onnx`. Computed values are whole numbers in float32
  /// (``ONNXIntegers``); known ones are left to the evaluator.
  static let quantizationRules: [String: Rule] = [
    "QuantizeLinear": { try $0.quantizeLinear() },
    "DequantizeLinear": { try $0.dequantizeLinear() },
    "DynamicQuantizeLinear": { step in
      guard step.isFloat(0) else { return nil }
      let (numbers, scale, zero) = try step.dynamicallyQuantized(try step.input(0))
      return [try step.integers(.uint8, numbers, zero: zero), scale, zero]
    },
    "ConvInteger": { step in
      let x = try step.input(0), w = try step.input(1)
      let product = ONNXExactProduct(step: step)
      let map = try step.centered(x, zero: step.optional(2))
      let weights = try step.centered(w, zero: step.optional(3), axis: 0)
      let sum = try product.convolution(
        map, .init(x.type, zero: step.optional(2)), weights, bias: nil, attributes: step.attributes)
      return [try step.integers(sum)]
    },
    "MatMulInteger": { step in
      [try step.integers(try step.integerProduct(0, 1, aZero: 2, bZero: 3))]
    },
    "QLinearConv": { step in [try step.quantizedConvolution(channelsLast: false)] },
    "QLinearMatMul": { step in
      let sum = try step.integerProduct(0, 3, aZero: 2, bZero: 5).value
      let columns = try step.along(sum.rank - 1, rank: sum.rank, step.row(try step.input(4)))
      let scale = try step.ratio(
        [try step.along(0, rank: 1, try step.input(1)), columns], over: try step.along(0, rank: 1, try step.input(6)))
      let zero = try step.input(7)
      return [try step.rounded(try step.combined(.multiply, sum, scale), zero.type, zero: zero)]
    },
  ]
}

extension ONNXStep {
  /// Returns a vector of one number for each column, of which exporters write `[1, n]` too, as `[n]`. One number stays as it is.
  func row(_ vector: ONNXValue) throws -> ONNXValue {
    let count = vector.dimensions.reduce(1, *)
    return vector.rank == 1 || count == 1 ? vector : try shaped(vector, [count])
  }

  /// Returns the product of scales, divided by another: a constant where all are known, computed in float32.
  func ratio(_ factors: [ONNXValue], over divisor: ONNXValue?) throws -> ONNXValue {
    func merged(_ a: ONNXValue, _ b: ONNXValue, _ operation: BinaryOperation) throws -> ONNXValue {
      guard let p = a.known, let q = b.known, let shape = p.shape.broadcast(with: q.shape) else {
        return try combined(operation, a, b)
      }
      let values = ONNXEvaluator.merge(p.broadcast(to: shape).floats, q.broadcast(to: shape).floats) {
        operation == .divide ? $0 / $1 : $0 * $1
      }
      return ONNXValue(ONNXConstant(.float, shape, floats: values))
    }
    let product = try factors.dropFirst().reduce(factors[0]) { try merged($0, $1, .multiply) }
    return try divisor.map { try merged(product, $0, .divide) } ?? product
  }

  /// Returns the sums of products of two integer inputs less their zero points.
  func integerProduct(_ aIndex: Int, _ bIndex: Int, aZero: Int, bZero: Int) throws -> ONNXExactProduct.Sum {
    let a = try input(aIndex), b = try input(bIndex)
    let (aPoint, bPoint) = (optional(aZero), optional(bZero))
    // A zero point for each row of a is along the axis before the last, one for each column of b along the last.
    let left = try centered(a, zero: try aPoint.map(row), axis: max(0, a.rank - 2))
    let right = try centered(b, zero: try bPoint.map(row), axis: max(0, b.rank - 1))
    return try ONNXExactProduct(step: self).product(
      left, .init(a.type, zero: aPoint), right, .init(b.type, zero: bPoint))
  }

  /// Returns a sum of products as a value of int32.
  fileprivate func integers(_ sum: ONNXExactProduct.Sum) throws -> ONNXValue {
    guard var exact = sum.integers else { return try integers(.int32, sum.value, zero: nil) }
    exact.integers = ONNXIntegers(sum.value, zero: nil)
    return exact
  }

  /// Quantises to uint8 with a scale and zero point that follow from the values (DynamicQuantizeLinear-11).
  func dynamicallyQuantized(_ x: ONNXValue) throws -> (numbers: ONNXValue, scale: ONNXValue, zero: ONNXValue) {
    let order = x.axes
    let results = builder.add(
      DynamicQuantization(), named: node.name, to: [importer.arranged(x, as: order)], outputCount: 3)
    return (
      ONNXValue(.float, results[0], axes: order), ONNXValue(.float, results[1], axes: []),
      try integers(.uint8, ONNXValue(.float, results[2], axes: []), zero: nil)
    )
  }

  /// The axis of scales and zero points.
  private func quantizationAxis(_ rank: Int) throws -> Int {
    let given = try attributes.int("axis", default: 1)
    return rank == 0 ? 0 : given >= -rank && given < rank ? (given + rank) % rank : rank - 1
  }

  /// QuantizeLinear-21 of a computed value with one scale, or one for each index along an axis.
  fileprivate func quantizeLinear() throws -> [ONNXValue]? {
    let x = try input(0), scale = try input(1)
    guard isFloat(0), x.known == nil, scale.type.isFloat, try attributes.int("block_size", default: 0) == 0,
      scale.rank <= 1
    else { return nil }
    var type = ONNXElement.uint8
    if let point = optional(2) {
      type = point.type
    } else if let number = try attributes.int("output_dtype"), number != 0 {
      guard let given = ONNXElement(rawValue: Int32(clamping: number)) else { return nil }
      type = given
    }
    guard ONNXIntegerRange(type) != nil, (scale.known?.floats ?? []).allSatisfy({ $0 > 0 && $0.isFinite }) else {
      return nil
    }
    let axis = try quantizationAxis(x.rank)
    let steps = try combined(.divide, x, try along(axis, rank: x.rank, scale))
    return [
      try rounded(steps, type, zero: optional(2), axis: axis) { low, high in
        guard let known = scalar(1) else { return nil }
        let value = try unary {
          $0.map(.quantize(step: known, low: low, high: high), named: node.name + ".multiples")
        }
        return (value, known)
      }
    ]
  }

  /// DequantizeLinear-21 of a computed value with one scale, or one for each index along an axis.
  fileprivate func dequantizeLinear() throws -> [ONNXValue]? {
    let x = try input(0), scale = try input(1)
    guard !x.type.isFloat, x.type != .bool, x.known == nil, scale.type.isFloat,
      try attributes.int("block_size", default: 0) == 0, scale.rank <= 1
    else { return nil }
    if let integers = x.integers, let real = integers.real, scalar(1) == real.scale, integers.hasZero(optional(2)) {
      return [real.value]
    }
    let axis = try quantizationAxis(x.rank)
    let numbers = try centered(x, zero: optional(2), axis: axis)
    return [try combined(.multiply, numbers, try along(axis, rank: x.rank, scale))]
  }

  /// QLinearConv-10: inputs x, its scale and zero point, weights, theirs, the result's, bias in units of the product of scales.
  func quantizedConvolution(channelsLast isLast: Bool) throws -> ONNXValue {
    let x = isLast ? try channelsFirst(try input(0)) : try input(0)
    let w = try input(3)
    let sum = try ONNXExactProduct(step: self).convolution(
      try centered(x, zero: optional(2)), .init(x.type, zero: optional(2)),
      try centered(w, zero: optional(5), axis: 0), bias: optional(8).map(asFloat), attributes: attributes
    ).value
    let scale = try ratio(
      [try along(0, rank: 1, try input(1)), try along(1, rank: sum.rank, try row(try input(4)))],
      over: try along(0, rank: 1, try input(6)))
    let zero = try input(7)
    let result = try rounded(try combined(.multiply, sum, scale), zero.type, zero: zero)
    return isLast ? try channelsFirst(result, inverse: true) : result
  }

  /// Renumbers the axes of a map `[N, …, C]` as `[N, C, …]`, or the other way around. Nothing moves.
  func channelsFirst(_ x: ONNXValue, inverse: Bool = false) throws -> ONNXValue {
    let rank = x.rank
    guard rank >= 3 else { throw ONNXFailure("\(x.dimensions) is no map") }
    let order = inverse ? [0] + Array(2..<rank) + [1] : [0, rank - 1] + Array(1..<rank - 1)
    func moved(_ x: ONNXValue) -> ONNXValue {
      switch x.content {
      case .known(let constant): ONNXValue(ONNXConstant(constant.type, constant.tensor.transposed(order)))
      case .flowing(let value, let axes):
        ONNXValue(x.type, value, axes: axes.map { axis in order.firstIndex(of: axis)! })
      }
    }
    var result = moved(x)
    if let integers = x.integers {
      result.integers = ONNXIntegers(
        moved(integers.numbers), zero: integers.zero,
        real: integers.real.map { (value: moved($0.value), scale: $0.scale) })
    }
    return result
  }
}
