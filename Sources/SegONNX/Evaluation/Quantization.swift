import SegEngine

/// Quantisation to integers and dequantisation.
extension ONNXEvaluator {
  static let quantization: [String: Body] = ["QuantizeLinear": quantize, "DequantizeLinear": dequantize]

  /// Expands scales or zero points to `shape`: one for all elements, one per index along the axis, or one per block
  /// along the axis (QuantizeLinear-21).
  private static func spread(
    _ call: ONNXCall, _ parameter: ONNXConstant, _ shape: Shape
  ) throws(ONNXFailure) -> ONNXConstant {
    if parameter.shape.elementCount == 1 { return parameter.filling(shape) }
    let axis = try call.axis(of: shape, default: 1)
    let block = try call.attributes.int("block_size", default: 0)
    if parameter.shape.rank == 1, block <= 0 {
      guard parameter.shape[0] == shape[axis] else {
        throw ONNXFailure("a parameter of \(parameter.shape) does not fit axis \(axis) of \(shape)")
      }
      return parameter.gathered(shape, Offsets.table(shape) { $0 == axis ? $1 : 0 })
    }
    guard block > 0, parameter.shape.rank == shape.rank,
      (0..<shape.rank).allSatisfy({
        parameter.shape[$0] == ($0 == axis ? shape[$0] / block + (shape[$0] % block == 0 ? 0 : 1) : shape[$0])
      })
    else { throw ONNXFailure("a parameter of \(parameter.shape) does not fit \(shape) in blocks of \(block)") }
    let strides = parameter.shape.strides
    return parameter.gathered(shape, Offsets.table(shape) { ($0 == axis ? $1 / block : $1) * strides[$0] })
  }

  /// Computes QuantizeLinear-21: round(x / scale) + zero point, ties to even, saturated to the range of the output
  /// type. NaN becomes the smallest integer of the type, as in ONNX Runtime.
  @Sendable private static func quantize(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    var type = ONNXElement.uint8
    if let point = call.optional(2) {
      type = point.type
    } else if let number = try call.attributes.int("output_dtype"), number != 0 {
      guard let given = ONNXElement(rawValue: Int32(clamping: number)) else {
        throw ONNXFailure("the element type \(number) is not supported")
      }
      type = given
    }
    if type.isNarrowFloat {
      let scales = try spread(call, try call.operand(1), value.shape).floats
      let saturates = try call.attributes.flag("saturate", default: true)
      return [
        ONNXConstant(
          type, value.shape, floats: rounded(merge(value.floats, scales) { $0 / $1 }, to: type, saturates: saturates))
      ]
    }
    guard type.integerFormat != nil else { throw ONNXFailure("it is not defined for \(type)") }
    let scales = try spread(call, try call.operand(1), value.shape).floats
    var points: [Int64]?
    if let point = call.optional(2) { points = try spread(call, point, value.shape).integers }
    let (low, high) = (Float(smallest(type)), Float(largest(type)))
    let values = value.floats
    let results = values.indices.map { index -> Int64 in
      let scaled = (values[index] / scales[index]).rounded(.toNearestOrEven) + Float(points?[index] ?? 0)
      return ONNXCall.integer(scaled >= low ? min(scaled, high) : low)
    }
    return [ONNXConstant(type, value.shape, integers: results)]
  }

  /// Computes DequantizeLinear-21: (x − zero point) · scale.
  @Sendable private static func dequantize(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (value, scale) = (try call.operand(0), try call.operand(1))
    guard scale.type.isFloat, !value.type.isFloat || value.type.isNarrowFloat else {
      throw ONNXFailure("it is not defined for \(value.type) and \(scale.type)")
    }
    let scales = try spread(call, scale, value.shape).floats
    if value.type.isNarrowFloat {
      return [ONNXConstant(scale.type, value.shape, floats: merge(value.floats, scales) { $0 * $1 })]
    }
    var values = value.integers
    if let point = call.optional(2) {
      values = merge(values, try spread(call, point, value.shape).integers) { $0 &- $1 }
    }
    return [ONNXConstant(scale.type, value.shape, floats: merge(values, scales) { Float($0) * $1 })]
  }
}
