import SegEngine

extension ONNXImporter {
  /// Normalisations, over maps whose channels lie innermost.
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
      // Up to opset 20 scale and bias have one number a group.
      guard step.isFloat(0), step.node.opset >= 21, try step.input(0).rank >= 3 else { return nil }
      let groups = try step.bounded([try step.attributes.int("num_groups", default: 0)], "num_groups", 1...(1 << 20))[0]
      let affine = try (1...2).map { index throws(ONNXFailure) in try step.value(index) }
      let epsilon = try step.attributes.float("epsilon", default: 1e-5)
      return [step.mapResult(step.apply(GroupNorm(groups: groups, epsilon: epsilon), try step.map(), affine))]
    },
    "LayerNormalization": { step in
      let x = try step.input(0)
      guard step.isFloat(0), step.node.outputs.count == 1,
        try step.axis(try step.attributes.int("axis", default: -1), rank: x.rank) == x.rank - 1
      else { return nil }
      // The last axis must lie innermost; the others as they do.
      let order = x.axes.last == x.rank - 1 ? x.axes : Array(0..<x.rank)
      var affine = [try step.value(1)]
      if step.optional(2) != nil {
        affine.append(try step.value(2))
      } else {
        affine.append(step.builder.constant(Tensor(zeros: affine[0].shape)))
      }
      guard affine[0].shape.rank == 1 else { return nil }
      let epsilon = try step.attributes.float("epsilon", default: 1e-5)
      return [
        ONNXValue(x.type, step.apply(LayerNorm(epsilon: epsilon), try step.value(0, as: order), affine), axes: order)
      ]
    },
    "Softmax": { try $0.softmax(logarithm: false) },
    "LogSoftmax": { try $0.softmax(logarithm: true) },
  ]
}

extension ONNXStep {
  /// Softmax over an axis; before opset 13 over that axis and all behind it.
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
