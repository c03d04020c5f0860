import Foundation
import SegEngine

/// Operators that scale elements by what their neighbours, their line or their channel add up to.
extension ONNXEvaluator {
  static let normalizations: [String: Body] = [
    "Softmax": softmax, "LogSoftmax": softmax, "Hardmax": softmax, "LpNormalization": lpNormalization,
    "LayerNormalization": layerNormalization, "RMSNormalization": rmsNormalization,
    "GroupNormalization": groupNormalization, "InstanceNormalization": instanceNormalization,
    "BatchNormalization": batchNormalization, "MeanVarianceNormalization": meanVarianceNormalization, "LRN": lrn,
  ]

  private static func floating(_ call: ONNXCall, _ index: Int = 0) throws(ONNXFailure) -> ONNXConstant {
    let value = try call.operand(index)
    guard value.type.isFloat else { throw ONNXFailure("it is not defined for \(value.type)") }
    return value
  }

  /// Up to version 12 everything from the axis on is one line; after that the axis alone is.
  @Sendable private static func softmax(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try floating(call)
    let rank = value.shape.rank
    let given = try call.attributes.int("axis", default: call.opset < 13 ? 1 : -1)
    let flattensAll = call.opset < 13 && given == rank
    let axis = flattensAll ? rank : try call.axis(given, of: rank)
    let lines = try Lines(call, value.shape, along: call.opset < 13 ? Array(axis..<rank) : [axis])
    let values = value.floats
    var results = values
    for start in lines.starts {
      var best = 0
      for (index, step) in lines.steps.enumerated() where values[start + step] > values[start + lines.steps[best]] {
        best = index
      }
      guard let step = lines.steps.isEmpty ? nil : lines.steps[best] else { continue }
      let top = Double(values[start + step])
      if call.node.kind == "Hardmax" {
        for step in lines.steps { results[start + step] = 0 }
        results[start + step] = 1
        continue
      }
      let sum = lines.steps.reduce(0.0) { $0 + exp(Double(values[start + $1]) - top) }
      let logarithm = log(sum)
      for step in lines.steps {
        let distance = Double(values[start + step]) - top
        results[start + step] = Float(call.node.kind == "Softmax" ? exp(distance) / sum : distance - logarithm)
      }
    }
    return [ONNXConstant(value.type, value.shape, floats: results)]
  }

  @Sendable private static func lpNormalization(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try floating(call)
    let power = try call.attributes.int("p", default: 2)
    guard power == 1 || power == 2 else { throw ONNXFailure("its norm \(power) is not supported") }
    let lines = try Lines(call, value.shape, along: [try call.axis(of: value.shape, default: -1)])
    var values = value.floats
    for start in lines.starts {
      let total = lines.steps.reduce(0.0) { sum, step in
        let element = Double(values[start + step])
        return sum + (power == 1 ? abs(element) : element * element)
      }
      let norm = power == 1 ? total : total.squareRoot()
      for step in lines.steps { values[start + step] = norm == 0 ? 0 : Float(Double(values[start + step]) / norm) }
    }
    return [ONNXConstant(value.type, value.shape, floats: values)]
  }

  /// The elements of each line less their mean, over their deviation; with both.
  private static func standardized(
    _ values: [Float], _ lines: Lines, _ epsilon: Double, centers: Bool = true
  ) -> (values: [Float], means: [Float], scales: [Float]) {
    var results = values
    var (means, scales): ([Float], [Float]) = ([], [])
    let count = Double(max(lines.steps.count, 1))
    for start in lines.starts {
      let mean = centers ? lines.steps.reduce(0.0) { $0 + Double(values[start + $1]) } / count : 0
      let variance =
        lines.steps.reduce(0.0) { sum, step in
          let distance = Double(values[start + step]) - mean
          return sum + distance * distance
        } / count
      let scale = 1 / (variance + epsilon).squareRoot()
      for step in lines.steps { results[start + step] = Float((Double(values[start + step]) - mean) * scale) }
      means.append(Float(mean))
      scales.append(Float(scale))
    }
    return (results, means, scales)
  }

  /// `values` times a scale plus a bias, both of which broadcast to `shape`.
  private static func affine(
    _ call: ONNXCall, _ values: [Float], _ shape: Shape, _ scale: ONNXConstant?, _ bias: ONNXConstant?
  ) throws(ONNXFailure) -> [Float] {
    var results = values
    for (parameter, isScale) in [(scale, true), (bias, false)] {
      guard let parameter else { continue }
      guard try call.broadcast([shape, parameter.shape]) == shape else {
        throw ONNXFailure("a parameter of \(parameter.shape) does not broadcast to \(shape)")
      }
      results = merge(results, parameter.broadcast(to: shape).floats) { isScale ? $0 * $1 : $0 + $1 }
    }
    return results
  }

  /// A parameter with one value per channel, shaped so that it broadcasts to `shape`.
  private static func perChannel(_ call: ONNXCall, _ index: Int, _ shape: Shape) throws(ONNXFailure) -> ONNXConstant {
    let parameter = try call.operand(index)
    let channels = shape.rank > 1 ? shape[1] : 1
    guard parameter.shape.elementCount == channels else {
      throw ONNXFailure("its operand \(index) of \(parameter.shape) does not fit \(channels) channels")
    }
    return parameter.reshaped(Shape([channels] + [Int](repeating: 1, count: max(shape.rank - 2, 0))))
  }

  private static func epsilon(_ call: ONNXCall) throws(ONNXFailure) -> Double {
    Double(try call.attributes.float("epsilon", default: 1e-5))
  }

  @Sendable private static func layerNormalization(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try floating(call)
    let shape = value.shape
    let axis = try call.axis(of: shape, default: -1)
    let lines = try Lines(call, shape, along: Array(axis..<shape.rank))
    let (values, means, scales) = standardized(value.floats, lines, try epsilon(call))
    return [
      ONNXConstant(value.type, shape, floats: try affine(call, values, shape, call.optional(1), call.optional(2))),
      ONNXConstant(.float, lines.shape, floats: means), ONNXConstant(.float, lines.shape, floats: scales),
    ]
  }

  @Sendable private static func rmsNormalization(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try floating(call)
    let axis = try call.axis(of: value.shape, default: -1)
    let lines = try Lines(call, value.shape, along: Array(axis..<value.shape.rank))
    let values = standardized(value.floats, lines, try epsilon(call), centers: false).values
    return [ONNXConstant(value.type, value.shape, floats: try affine(call, values, value.shape, call.optional(1), nil))]
  }

  @Sendable private static func groupNormalization(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try floating(call)
    let shape = value.shape
    let groups = try call.attributes.int("num_groups", default: 0)
    guard shape.rank > 1, groups > 0, shape[1] % groups == 0 else {
      throw ONNXFailure("\(groups) groups do not fit \(shape)")
    }
    let size = shape[1] / groups
    let rest = shape.dimensions[2...].reduce(1, clampedProduct)
    let lines = try Lines(
      call, try call.shape([clampedProduct(shape[0], groups), clampedProduct(size, rest)]), along: [1])
    let values = standardized(value.floats, lines, try epsilon(call)).values
    // Up to version 20 scale and bias have one value per group.
    func parameter(_ index: Int) throws(ONNXFailure) -> ONNXConstant {
      let given = try call.operand(index)
      let tail = [Int](repeating: 1, count: shape.rank - 2)
      if given.shape.elementCount == shape[1] { return given.reshaped(Shape([shape[1]] + tail)) }
      guard given.shape.elementCount == groups else {
        throw ONNXFailure("its operand \(index) of \(given.shape) does not fit \(shape) in \(groups) groups")
      }
      return given.gathered(try call.shape([shape[1]] + tail), (0..<shape[1]).map { $0 / size })
    }
    let results = try affine(call, values, shape, try parameter(1), try parameter(2))
    return [ONNXConstant(value.type, shape, floats: results)]
  }

  @Sendable private static func instanceNormalization(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try floating(call)
    let shape = value.shape
    guard shape.rank > 1 else { throw ONNXFailure("\(shape) has no channels") }
    let values = standardized(value.floats, try Lines(call, shape, along: Array(2..<shape.rank)), try epsilon(call))
      .values
    let results = try affine(call, values, shape, try perChannel(call, 1, shape), try perChannel(call, 2, shape))
    return [ONNXConstant(value.type, shape, floats: results)]
  }

  @Sendable private static func batchNormalization(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try floating(call)
    let shape = value.shape
    guard try !call.attributes.flag("training_mode") else {
      throw ONNXFailure("it is in training mode, which is not supported")
    }
    guard try call.attributes.flag("spatial", default: true) else {
      throw ONNXFailure("statistics per element are not supported")
    }
    let (scale, bias) = (try perChannel(call, 1, shape), try perChannel(call, 2, shape))
    let (mean, variance) = (try perChannel(call, 3, shape), try perChannel(call, 4, shape))
    let epsilon = Float(try epsilon(call))
    let factors = merge(scale.floats, variance.floats) { $0 / ($1 + epsilon).squareRoot() }
    let offsets = merge(merge(mean.floats, factors) { $0 * $1 }, bias.floats) { $1 - $0 }
    let results = try affine(
      call, value.floats, shape, ONNXConstant(.float, scale.shape, floats: factors),
      ONNXConstant(.float, scale.shape, floats: offsets))
    return [ONNXConstant(value.type, shape, floats: results)]
  }

  @Sendable private static func meanVarianceNormalization(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try floating(call)
    let axes = try call.axes(try call.attributes.ints("axes") ?? [0, 2, 3], of: value.shape.rank)
    // The operator's definition adds 1e-9 to the deviation; under the root its square does the same for a deviation of zero.
    let values = standardized(value.floats, try Lines(call, value.shape, along: axes), 1e-18).values
    return [ONNXConstant(value.type, value.shape, floats: values)]
  }

  @Sendable private static func lrn(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try floating(call)
    let shape = value.shape
    let size = try call.attributes.int("size", default: 0)
    guard shape.rank > 1, size > 0 else { throw ONNXFailure("a window of \(size) does not fit \(shape)") }
    let alpha = Double(try call.attributes.float("alpha", default: 1e-4)) / Double(size)
    let beta = Double(try call.attributes.float("beta", default: 0.75))
    let bias = Double(try call.attributes.float("bias", default: 1))
    let (before, after) = ((size - 1) / 2, size / 2)
    let values = value.floats
    var results = values
    let lines = try Lines(call, shape, along: [1])
    try call.spend(shape.elementCount, min(size, shape[1]))
    for start in lines.starts {
      for (channel, step) in lines.steps.enumerated() {
        let sum = lines.steps[max(0, channel - before)..<min(shape[1], channel + after + 1)].reduce(0.0) {
          $0 + Double(values[start + $1]) * Double(values[start + $1])
        }
        results[start + step] = Float(Double(values[start + step]) / pow(bias + alpha * sum, beta))
      }
    }
    return [ONNXConstant(value.type, shape, floats: results)]
  }
}
