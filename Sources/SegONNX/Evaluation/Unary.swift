import Foundation
import SegEngine

/// Functions of single elements.
extension ONNXEvaluator {
  /// The functions without attributes.
  static let unary: [String: Body] = plain.mapValues { function($0) }

  /// The functions with attributes, and those that are defined for integers too.
  static let curved: [String: Body] = [
    "Selu": curve, "Celu": curve, "ThresholdedRelu": curve, "Swish": curve, "Shrink": curve,
    "Sign": function({ $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }, { $0.signum() }),
    "Neg": integers { 0 &- $0 }, "Abs": integers { $0 < 0 ? 0 &- $0 : $0 }, "Relu": integers { max($0, 0) },
  ]

  /// A real function, computed in Double.
  private typealias Curve = @Sendable (Double) -> Double

  private static let plain: [String: Curve] = [
    "Floor": { $0.rounded(.down) }, "Ceil": { $0.rounded(.up) }, "Round": { $0.rounded(.toNearestOrEven) },
    "Sin": { sin($0) }, "Cos": { cos($0) }, "Tan": { tan($0) }, "Asin": { asin($0) }, "Acos": { acos($0) },
    "Atan": { atan($0) }, "Sinh": { sinh($0) }, "Cosh": { cosh($0) }, "Asinh": { asinh($0) }, "Acosh": { acosh($0) },
    "Atanh": { atanh($0) }, "Softsign": { $0 / (1 + abs($0)) },
  ]

  /// Makers of the functions with attributes.
  private static let curves: [String: @Sendable (ONNXCall) throws(ONNXFailure) -> Curve] = [
    "Selu": { (call) throws(ONNXFailure) in
      let alpha = try number(call, "alpha", 1.673_263_192_176_818_8)
      let gamma = try number(call, "gamma", 1.050_701_022_148_132_3)
      return { gamma * ($0 < 0 ? alpha * expm1($0) : $0) }
    },
    "Celu": { (call) throws(ONNXFailure) in
      let alpha = try number(call, "alpha", 1)
      return { $0 < 0 ? alpha * expm1($0 / alpha) : $0 }
    },
    "ThresholdedRelu": { (call) throws(ONNXFailure) in
      let alpha = try number(call, "alpha", 1)
      return { $0 > alpha ? $0 : 0 }
    },
    "Swish": { (call) throws(ONNXFailure) in
      let alpha = try number(call, "alpha", 1)
      return { $0 * sigmoid(alpha * $0) }
    },
    "Shrink": { (call) throws(ONNXFailure) in
      let (limit, bias) = (try number(call, "lambd", 0.5), try number(call, "bias", 0))
      return { $0 < -limit ? $0 + bias : $0 > limit ? $0 - bias : 0 }
    },
  ]

  @Sendable private static func curve(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    guard let curve = curves[call.node.kind] else { throw ONNXFailure("is not supported") }
    return try apply(call, try curve(call))
  }

  private static func number(_ call: ONNXCall, _ name: String, _ value: Double) throws(ONNXFailure) -> Double {
    try call.attributes.float(name).map { Double($0) } ?? value
  }

  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  /// Makes an operator of a function of integers. The engine computes it for floating-point inputs.
  private static func integers(_ body: @escaping @Sendable (Int64) -> Int64) -> Body {
    { (call) throws(ONNXFailure) in
      let value = try call.operand(0)
      guard !value.type.isFloat else { throw ONNXFailure("it is not defined for \(value.type) \(value.shape)") }
      return [ONNXConstant(value.type, value.shape, integers: value.integers.map(body))]
    }
  }

  /// Makes an operator of a real function, and of an integer function if it is defined for integers.
  private static func function(
    _ float: @escaping Curve, _ integer: (@Sendable (Int64) -> Int64)? = nil
  ) -> Body {
    { (call) throws(ONNXFailure) in try apply(call, float, integer) }
  }

  private static func apply(
    _ call: ONNXCall, _ float: Curve, _ integer: (@Sendable (Int64) -> Int64)? = nil
  ) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    if value.type.isFloat {
      return [ONNXConstant(value.type, value.shape, floats: value.floats.map { Float(float(Double($0))) })]
    }
    if let integer { return [ONNXConstant(value.type, value.shape, integers: value.integers.map(integer))] }
    // Of the other functions, Shrink-9 alone is defined for integers.
    guard call.node.kind == "Shrink" else { throw ONNXFailure("it is not defined for \(value.type)") }
    return [call.constant(value.type, value.shape, value.floats.map { Float(float(Double($0))) })]
  }
}
