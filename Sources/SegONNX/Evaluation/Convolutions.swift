import SegEngine

/// Convolution and its transposition.
extension ONNXEvaluator {
  static let convolutions: [String: Body] = ["Conv": convolve, "ConvTranspose": convolveTransposed]

  /// Operand, weights, groups and bias, of floats.
  private static func operands(
    _ call: ONNXCall
  ) throws(ONNXFailure) -> (x: ONNXConstant, weights: ONNXConstant, groups: Int, bias: [Float]?) {
    let (x, weights) = (try call.operand(0), try call.operand(1))
    guard x.type.isFloat, weights.type == x.type else {
      throw ONNXFailure("it is not defined for \(x.type) and \(weights.type)")
    }
    let groups = try call.attributes.int("group", default: 1)
    guard x.shape.rank > 2, weights.shape.rank == x.shape.rank, groups > 0, weights.shape[0] % groups == 0,
      x.shape[1] % groups == 0
    else { throw ONNXFailure("weights of \(weights.shape) in \(groups) groups do not fit \(x.shape)") }
    return (x, weights, groups, call.optional(2)?.floats)
  }

  /// Planes of the result, each filled with its channel's bias.
  private static func biased(_ bias: [Float]?, _ shape: Shape, _ size: Int) throws(ONNXFailure) -> [Float] {
    guard let bias else { return [Float](repeating: 0, count: shape.elementCount) }
    guard bias.count == shape[1] else { throw ONNXFailure("a bias of \(bias.count) does not fit \(shape[1]) channels") }
    var result: [Float] = []
    result.reserveCapacity(shape.elementCount)
    for plane in 0..<(shape.elementCount / max(size, 1)) {
      result.append(contentsOf: repeatElement(bias[plane % shape[1]], count: size))
    }
    return result
  }

  @Sendable private static func convolve(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (x, weights, groups, bias) = try operands(call)
    let (channels, depth) = (weights.shape[0], weights.shape[1])
    guard depth * groups == x.shape[1] else {
      throw ONNXFailure("weights of \(weights.shape) in \(groups) groups do not fit \(x.shape)")
    }
    var windows = try Windows(
      call, image: Array(x.shape.dimensions[2...]), kernel: Array(weights.shape.dimensions[2...]))
    try windows.count(call)
    let shape = try call.shape([x.shape[0], channels] + windows.counts)
    let taps = windows.kernel.reduce(1, clampedProduct)
    try call.spend(shape.elementCount, depth, taps)
    let (plane, size) = (windows.image.reduce(1, clampedProduct), windows.counts.reduce(1, clampedProduct))
    var result = try biased(bias, shape, size)
    guard shape.elementCount > 0 else { return [ONNXConstant(x.type, shape, floats: result)] }
    let runs = try windows.runs(call)
    let (input, factors, pace) = (x.floats, weights.floats, windows.pace)
    result.withUnsafeMutableBufferPointer { result in
      for index in 0..<x.shape[0] * channels {
        let (batch, channel) = (index / channels, index % channels)
        let group = channel / (channels / groups)
        for inner in 0..<depth {
          let base = (batch * x.shape[1] + group * depth + inner) * plane
          for run in runs {
            let factor = factors[(channel * depth + inner) * taps + run.tap]
            let (place, source) = (index * size + run.window, base + run.source)
            for step in 0..<run.count { result[place + step] += factor * input[source + step * pace] }
          }
        }
      }
    }
    return [ONNXConstant(x.type, shape, floats: Array(result))]
  }

  /// The result is the image, and the operand's elements are the windows that slide over it.
  @Sendable private static func convolveTransposed(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (x, weights, groups, bias) = try operands(call)
    guard weights.shape[0] == x.shape[1] else { throw ONNXFailure("weights of \(weights.shape) do not fit \(x.shape)") }
    let spatial = Array(x.shape.dimensions[2...])
    let given = try Windows(call, image: spatial, kernel: Array(weights.shape.dimensions[2...]))
    let extra = try call.attributes.ints("output_padding") ?? [Int](repeating: 0, count: spatial.count)
    let wanted = try call.attributes.ints("output_shape")
    let mode = try call.attributes.string("auto_pad", default: "NOTSET")
    guard extra.count == spatial.count, extra.allSatisfy({ $0 >= 0 && $0 < 1 << 31 }),
      wanted == nil || wanted?.count == spatial.count || wanted?.count == spatial.count + 2
    else { throw ONNXFailure("its output padding \(extra) or shape does not fit \(spatial.count) spatial axes") }
    var (image, before) = (spatial, given.before)
    for axis in spatial.indices {
      let full = clampedSum(clampedProduct(spatial[axis] - 1, given.strides[axis]), extra[axis] + given.reach(axis))
      if wanted != nil || mode.hasPrefix("SAME") {
        let target =
          wanted?.suffix(spatial.count)[(wanted?.count ?? 0) - spatial.count + axis]
          ?? clampedProduct(spatial[axis], given.strides[axis])
        guard target >= 0 else { throw ONNXFailure("its output shape is negative") }
        let padding = max(0, clampedDifference(full, target))
        before[axis] = mode == "SAME_UPPER" ? padding / 2 : padding - padding / 2
        image[axis] = target
      } else {
        if mode == "VALID" { before[axis] = 0 }
        image[axis] = clampedDifference(full, mode == "VALID" ? 0 : given.before[axis] + given.after[axis])
      }
    }
    let depth = weights.shape[1]
    let shape = try call.shape([x.shape[0], clampedProduct(depth, groups)] + image)
    var windows = given.sliding(over: image, counts: spatial)
    windows.before = before
    let taps = windows.kernel.reduce(1, clampedProduct)
    try call.spend(x.shape.elementCount, depth, taps)
    let (plane, size) = (image.reduce(1, clampedProduct), spatial.reduce(1, clampedProduct))
    var result = try biased(bias, shape, plane)
    guard shape.elementCount > 0, x.shape.elementCount > 0 else { return [ONNXConstant(x.type, shape, floats: result)] }
    let runs = try windows.runs(call)
    let (input, factors, pace) = (x.floats, weights.floats, windows.pace)
    let channels = x.shape[1]
    result.withUnsafeMutableBufferPointer { result in
      for index in 0..<x.shape[0] * channels {
        let (batch, channel) = (index / channels, index % channels)
        let group = channel / (channels / groups)
        for outer in 0..<depth {
          let base = (batch * depth * groups + group * depth + outer) * plane
          for run in runs {
            let factor = factors[(channel * depth + outer) * taps + run.tap]
            let (source, place) = (index * size + run.window, base + run.source)
            for step in 0..<run.count { result[place + step * pace] += factor * input[source + step] }
          }
        }
      }
    }
    return [ONNXConstant(x.type, shape, floats: Array(result))]
  }
}
