import SegEngine

extension ONNXImporter {
  /// Deformable convolution.
  static let deformationRules: [String: Rule] = [
    "DeformConv": { step in
      guard step.isFloat(0), try step.input(0).rank == 4, let window = try ONNXWindow(step) else { return nil }
      let groups = try window.groups()
      let offsetGroups = try step.bounded(
        [try step.attributes.int("offset_group", default: 1)], "offset_group", 1...(1 << 20))[0]
      let mask = step.optional(4) == nil ? [] : [try step.map(4)]
      let bias = step.optional(3) == nil ? [] : [try step.value(3)]
      guard try step.input(2).rank == 4, mask.isEmpty || mask[0].shape.rank == 4 else {
        throw ONNXFailure("its offset \(try step.input(2).dimensions) is no map")
      }
      let convolution = DeformableConvolution(
        try window.geometry(groups: groups), offsetGroups: offsetGroups, modulated: !mask.isEmpty)
      let others = [try window.weights(try step.input(1)), try step.map(2)] + mask + bias
      return [step.mapResult(step.apply(convolution, try step.map(), others))]
    }
  ]
}
