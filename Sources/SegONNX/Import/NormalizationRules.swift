import SegEngine

extension ONNXImporter {
  /// Normalisations, over feature maps with channels innermost.
  static let normalizationRules: [String: Rule] = [
    "BatchNormalization": { step in
      guard step.isFloat(0), try step.input(0).rank >= 2, try !step.attributes.flag("training_mode"),
        step.node.outputs.dropFirst().allSatisfy(\.isEmpty)
      else { return nil }
      let statistics = try (1...4).map { index throws(ONNXFailure) in try step.value(index) }
      let epsilon = try step.attributes.float("epsilon", default: 1e-5)
      return [step.mapResult(step.apply(BatchNorm(epsilon: epsilon), try step.map(), statistics))]
    },
    "InstanceNormalization": { step in
      guard step.isFloat(0), try step.input(0).rank >= 3 else { return nil }
      let affine = try (1...2).map { index throws(ONNXFailure) in try step.value(index) }
      let epsilon = try step.attributes.float("epsilon", default: 1e-5)
      return [step.mapResult(step.apply(InstanceNorm(epsilon: epsilon), try step.map(), affine))]
    },
    "GroupNormalization": { step in
      let x = try step.input(0)
      guard step.isFloat(0), x.rank >= 3 else { return nil }
      let groups = try step.bounded([try step.attributes.int("num_groups", default: 0)], "num_groups", 1...(1 << 20))[0]
      let channels = x.dimensions[1]
      guard channels % groups == 0 else { throw ONNXFailure("\(groups) groups do not fit \(channels) channels") }
      let affine = try (1...2).map { index throws(ONNXFailure) -> Value in
        let numbers = try step.value(index)
        // GroupNormalization-18 has one scale and bias per group, GroupNormalization-21 one per channel.
        guard numbers.shape.dimensions == [groups], groups != channels else { return numbers }
        return numbers.apply(Reshape(to: .dimensions([groups, 1])), named: step.node.name + ".groups")
          .apply(Broadcast(to: .shape([groups, channels / groups])), named: step.node.name + ".broadcast")
          .apply(Reshape(to: .dimensions([channels])), named: step.node.name + ".channels")
      }
      let epsilon = try step.attributes.float("epsilon", default: 1e-5)
      return [step.mapResult(step.apply(GroupNorm(groups: groups, epsilon: epsilon), try step.map(), affine))]
    },
    "LayerNormalization": { step in
      let x = try step.input(0)
      guard step.isFloat(0), x.rank > 0 else { return nil }
      let axis = try step.axis(try step.attributes.int("axis", default: -1), rank: x.rank)
      let epsilon = try step.attributes.float("epsilon", default: 1e-5)
      let scale = try step.input(1)
      if axis == x.rank - 1, step.node.outputs.count == 1, scale.rank == 1 {
        // The engine normalises the innermost axis; the order of the other axes is kept.
        let order = x.orderOfRows
        let scale = try step.value(1)
        let shift = step.optional(2) == nil ? step.builder.constant(Tensor(zeros: scale.shape)) : try step.value(2)
        let result = step.apply(LayerNorm(epsilon: epsilon), try step.value(0, as: order), [scale, shift])
        return [ONNXValue(x.type, result, axes: order)]
      }
      let axes = Array(axis..<x.rank)
      var result = try step.combined(.multiply, try step.standardized(x, over: axes, epsilon), scale)
      if let shift = step.optional(2) { result = try step.combined(.add, result, shift) }
      guard step.node.outputs.count > 1 else { return [result] }
      let value = try step.value(0)
      let mean = step.apply(Reduce(.mean, axes: axes), value)
      let distance = value - mean
      let variance = step.apply(Reduce(.mean, axes: axes), distance * distance)
      let deviation = (variance + epsilon).map(.sqrt)
      return [result, ONNXValue(.float, mean), ONNXValue(.float, deviation.map(.reciprocal))]
    },
    "RMSNormalization": { step in
      let x = try step.input(0)
      guard step.isFloat(0), x.rank > 0 else { return nil }
      let axis = try step.axis(try step.attributes.int("axis", default: -1), rank: x.rank)
      let value = try step.value(0)
      let square = step.apply(Reduce(.mean, axes: Array(axis..<x.rank)), value * value)
      let epsilon = try step.attributes.float("epsilon", default: 1e-5)
      let root = (square + epsilon).map(.sqrt)
      return [try step.combined(.multiply, ONNXValue(x.type, value / root), try step.input(1))]
    },
    "MeanVarianceNormalization": { step in
      let x = try step.input(0)
      guard step.isFloat(0), x.rank > 0 else { return nil }
      let given = try step.attributes.ints("axes") ?? [0, 2, 3]
      let axes = try given.map { axis throws(ONNXFailure) in try step.axis(axis, rank: x.rank) }
      guard Set(axes).count == axes.count else { throw ONNXFailure("its axes \(axes) name one twice") }
      // MeanVarianceNormalization-13 divides by (deviation + 1e-9). Adding 1e-18 to the variance gives the same divisor
      // where the deviation is 0.
      return [try step.standardized(x, over: axes, 1e-18)]
    },
    "LpNormalization": { step in
      let x = try step.input(0)
      guard step.isFloat(0), x.rank > 0 else { return nil }
      let power = try step.attributes.int("p", default: 2)
      guard power == 1 || power == 2 else { throw ONNXFailure("its norm \(power) is not supported") }
      let axis = try step.axis(try step.attributes.int("axis", default: -1), rank: x.rank)
      let value = try step.value(0)
      let norm = step.apply(
        Reduce(power == 1 ? .sum : .norm, axes: [axis]), power == 1 ? value.map(.abs) : value)
      // The lower bound makes vectors of zeros stay zero.
      return [ONNXValue(x.type, value / norm.map(.clip(low: .leastNormalMagnitude, high: .infinity)))]
    },
    "LRN": { step in
      let x = try step.input(0)
      guard step.isFloat(0), x.rank >= 2 else { return nil }
      let size = try step.bounded([try step.attributes.int("size", default: 0)], "size", 1...(1 << 20))[0]
      let alpha = try step.attributes.float("alpha", default: 1e-4)
      let beta = try step.attributes.float("beta", default: 0.75)
      let bias = try step.attributes.float("bias", default: 1)
      // LRN-13: x / (bias + alpha · mean of squares over `size` channels)^beta. The mean is an average pooling along
      // the channels, which become the width of a map.
      let d = x.dimensions
      let columns = try step.value(0).apply(
        Reshape(to: .dimensions([d[0], 1, d[1], d[2...].reduce(1, *)])), named: step.node.name + ".columns")
      let window = ConvolutionGeometry(
        kernel: Extent2D(height: 1, width: size),
        padding: Padding2D(top: 0, left: (size - 1) / 2, bottom: 0, right: size / 2))
      let mean = step.apply(AveragePool(window, countingPadding: true), columns * columns)
      let divisor = (mean * alpha + bias).combine(
        .power, step.builder.constant(Tensor([1], [beta])), named: step.node.name + ".power")
      return [
        ONNXValue(
          x.type,
          (columns / divisor).apply(Reshape(to: .dimensions(d)), named: step.node.name + ".reshape"))
      ]
    },
    "Softmax": { try $0.softmax(logarithm: false) },
    "LogSoftmax": { try $0.softmax(logarithm: true) },
  ]
}

extension ONNXStep {
  /// Returns (x − mean) / √(variance + ε), with mean and variance over the given axes.
  fileprivate func standardized(_ x: ONNXValue, over axes: [Int], _ epsilon: Float) throws(ONNXFailure) -> ONNXValue {
    let order = (0..<x.rank).filter { !axes.contains($0) } + axes.sorted()
    let extents = order.map { x.dimensions[$0] }
    let columns = axes.reduce(1) { $0 * x.dimensions[$1] }
    guard columns > 0 else { throw ONNXFailure("\(x.dimensions) has no elements") }
    let lines = importer.arranged(x, as: order).apply(
      Reshape(to: .dimensions([x.dimensions.reduce(1, *) / columns, columns])), named: node.name + ".lines")
    let affine = [
      builder.constant(Tensor([columns], repeating: Float(1))), builder.constant(Tensor(zeros: [columns])),
    ]
    let result = apply(LayerNorm(epsilon: epsilon), lines, affine)
      .apply(Reshape(to: .dimensions(extents)), named: node.name + ".reshape")
    return ONNXValue(x.type, result, axes: order)
  }

  /// Applies Softmax or LogSoftmax over the axis. Before opset 13, the given axis and all after it form one axis.
  fileprivate func softmax(logarithm: Bool) throws -> [ONNXValue]? {
    let x = try input(0)
    guard isFloat(0), x.rank > 0 else { return nil }
    let given = try axis(try attributes.int("axis", default: node.opset < 13 ? 1 : -1), rank: x.rank)
    let isOneAxis = node.opset >= 13 || x.dimensions[(given + 1)...].allSatisfy { $0 == 1 }
    if isOneAxis {
      let position = x.axes.firstIndex(of: given)!
      return [try unary { apply(Softmax(axis: position, logarithm: logarithm), $0) }]
    }
    let rows = x.dimensions[..<given].reduce(1, *)
    let flat = try reshaped(x, to: [rows, x.dimensions[given...].reduce(1, *)])
    let result = apply(Softmax(axis: -1, logarithm: logarithm), importer.arranged(flat))
    return [try reshaped(ONNXValue(x.type, result), to: x.dimensions)]
  }
}
