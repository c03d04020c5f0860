import SegEngine

/// Operators whose output elements are input elements in another order, repeated, omitted or filled with a value.
extension ONNXEvaluator {
  static let movement: [String: Body] = [
    "Transpose": transpose, "Expand": expand, "Tile": tile, "Concat": concat, "Split": split, "Slice": slice,
    "Pad": pad,
    "CenterCropPad": centerCropPad, "DepthToSpace": depthToSpace, "SpaceToDepth": spaceToDepth,
    "ReverseSequence": reverseSequence, "Trilu": trilu,
  ]

  @Sendable private static func transpose(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let order = try call.attributes.ints("perm") ?? Array((0..<value.shape.rank).reversed())
    guard order.sorted() == Array(0..<value.shape.rank) else {
      throw ONNXFailure("\(order) is no order of \(value.shape)'s axes")
    }
    return [transposed(value, order)]
  }

  static func transposed(_ value: ONNXConstant, _ order: [Int]) -> ONNXConstant {
    let shape = Shape(order.map { value.shape[$0] })
    let strides = value.shape.strides
    return value.gathered(shape, Offsets.table(shape, strides: order.map { strides[$0] }))
  }

  @Sendable private static func expand(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    return [value.broadcast(to: try HostShapes(call).shape())]
  }

  @Sendable private static func tile(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let shape = try HostShapes(call).shape()
    let strides = value.shape.strides
    return [value.gathered(shape, Offsets.table(shape) { $1 % value.shape[$0] * strides[$0] })]
  }

  @Sendable private static func concat(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    var operands: [ONNXConstant] = []
    for index in call.inputs.indices { operands.append(try call.operand(index)) }
    guard let first = operands.first else { throw ONNXFailure("it has no operands") }
    let axis = try call.axis(of: first.shape, default: 1)
    let shape = try HostShapes(call).shape()
    guard shape.elementCount > 0 else {
      return [ONNXConstant(first.type, Tensor(zeros: shape, of: first.tensor.elementType))]
    }
    let rows = shape.dimensions[..<axis].reduce(1, *)
    let width = first.tensor.elementType.byteCount
    var tensor = Tensor(zeros: shape, of: first.tensor.elementType)
    tensor.withUnsafeMutableBytes { target in
      var position = 0
      for row in 0..<rows {
        for operand in operands {
          let size = operand.shape.elementCount / rows * width
          operand.tensor.withUnsafeBytes { source in
            UnsafeMutableRawBufferPointer(rebasing: target[position..<position + size])
              .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[row * size..<(row + 1) * size]))
          }
          position += size
        }
      }
    }
    return [ONNXConstant(first.type, tensor)]
  }

  @Sendable private static func split(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let axis = try call.axis(of: value.shape, default: 0)
    let shapes = (try HostShapes(call).results() ?? []).map(\.shape)
    let strides = value.shape.strides
    var start = 0
    var results: [ONNXConstant] = []
    for shape in shapes {
      results.append(value.gathered(shape, Offsets.table(shape, strides: strides, from: start * strides[axis])))
      start += shape[axis]
    }
    return results
  }

  @Sendable private static func slice(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let shape = try HostShapes(call).shape()
    let starts = try call.ints("starts", orOperand: 1) ?? []
    let ends = try call.ints("ends", orOperand: 2) ?? []
    let axes = try call.axes(try call.ints("axes", orOperand: 3) ?? Array(starts.indices), of: value.shape.rank)
    let steps = try call.ints("steps", orOperand: 4) ?? [Int](repeating: 1, count: starts.count)
    var first = [Int](repeating: 0, count: value.shape.rank)
    var pace = [Int](repeating: 1, count: value.shape.rank)
    for (index, axis) in axes.enumerated() {
      let range = ONNXStep.range(starts[index], ends[index], steps[index], extent: value.shape[axis])
      first[axis] = range?.first ?? 0
      pace[axis] = steps[index]
    }
    let strides = value.shape.strides
    // Each contribution includes the start, because a negative contribution, as of a negative step alone, marks a fill.
    return [value.gathered(shape, Offsets.table(shape) { (first[$0] + $1 * pace[$0]) * strides[$0] })]
  }

  @Sendable private static func pad(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    guard let pads = try call.ints("pads", orOperand: 1) else { throw ONNXFailure("its pads are missing") }
    let rank = value.shape.rank
    let axes = try call.axes(call.optional(3) == nil ? Array(0..<rank) : try call.ints(3), of: rank)
    guard pads.count == 2 * axes.count else { throw ONNXFailure("the pads \(pads) do not fit \(value.shape)") }
    let mode = try call.attributes.string("mode", default: "constant")
    guard ["constant", "edge", "reflect", "wrap"].contains(mode) else {
      throw ONNXFailure("its mode \(mode) is not supported")
    }
    var before = [Int](repeating: 0, count: rank)
    var dimensions = value.shape.dimensions
    for (index, axis) in axes.enumerated() {
      before[axis] = pads[index]
      dimensions[axis] = clampedSum(clampedSum(dimensions[axis], pads[index]), pads[index + axes.count])
      guard abs(clampedSum(pads[index], 1)) < 1 << 40 else { throw ONNXFailure("the pads \(pads) are too large") }
    }
    let shape = try call.shape(dimensions)
    guard shape.elementCount > 0 else { return [value.gathered(shape, [])] }
    guard mode == "constant" || value.shape.elementCount > 0 else {
      throw ONNXFailure("there is nothing to repeat in \(value.shape)")
    }
    var fill: ONNXConstant?
    if call.optional(2) != nil {
      let given = try call.scalar(2)
      guard given.type == value.type else { throw ONNXFailure("its value is of another type than its operand") }
      fill = given
    } else if value.type.isFloat, let given = try call.attributes.float("value") {
      fill = ONNXConstant(value.type, [], floats: [given])
    }
    let strides = value.shape.strides
    let table = Offsets.table(shape) { axis, index in
      let position = padded(index - before[axis], value.shape[axis], mode)
      return position < 0 ? -1 : position * strides[axis]
    }
    return [value.gathered(shape, table, fill: fill)]
  }

  /// Returns the index of the element at a position of a padded axis; −1 for a fill.
  private static func padded(_ position: Int, _ extent: Int, _ mode: String) -> Int {
    if position >= 0, position < extent { return position }
    switch mode {
    case "edge": return min(max(position, 0), extent - 1)
    case "wrap": return ((position % extent) + extent) % extent
    case "reflect":
      guard extent > 1 else { return 0 }
      let period = 2 * (extent - 1)
      let folded = ((position % period) + period) % period
      return folded < extent ? folded : period - folded
    default: return -1
    }
  }

  @Sendable private static func centerCropPad(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let rank = value.shape.rank
    let axes = try call.axes(try call.attributes.ints("axes") ?? Array(0..<rank), of: rank)
    let sizes = try call.ints(1)
    guard sizes.count == axes.count else { throw ONNXFailure("the sizes \(sizes) do not fit its axes") }
    var dimensions = value.shape.dimensions
    var before = [Int](repeating: 0, count: rank)
    for (axis, size) in zip(axes, sizes) {
      guard size >= 0 else { throw ONNXFailure("the size \(size) is not possible") }
      let extent = dimensions[axis]
      // An odd difference is cropped or padded at the end (CenterCropPad-18).
      before[axis] = size > extent ? (size - extent) / 2 : -((extent - size) / 2)
      dimensions[axis] = size
    }
    let shape = try call.shape(dimensions)
    let strides = value.shape.strides
    let table = Offsets.table(shape) { axis, index in
      let position = index - before[axis]
      return position >= 0 && position < value.shape[axis] ? position * strides[axis] : -1
    }
    return [value.gathered(shape, table)]
  }

  @Sendable private static func depthToSpace(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let shape = try HostShapes(call).shape()
    let (d, depth) = (value.shape.dimensions, shape[1])
    let block = try call.attributes.int("blocksize", default: 0)
    let byColumn = try call.attributes.string("mode", default: "DCR") == "CRD"
    let parts = byColumn ? [d[0], depth, block, block, d[2], d[3]] : [d[0], block, block, depth, d[2], d[3]]
    let moved = transposed(value.reshaped(try call.shape(parts)), byColumn ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2])
    return [moved.reshaped(shape)]
  }

  @Sendable private static func spaceToDepth(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let shape = try HostShapes(call).shape()
    let d = value.shape.dimensions
    let block = try call.attributes.int("blocksize", default: 0)
    let parts = value.reshaped(try call.shape([d[0], d[1], d[2] / block, block, d[3] / block, block]))
    return [transposed(parts, [0, 3, 5, 1, 2, 4]).reshaped(shape)]
  }

  @Sendable private static func reverseSequence(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let shape = value.shape
    let time = try call.axis(try call.attributes.int("time_axis", default: 0), of: shape.rank)
    let batch = try call.axis(try call.attributes.int("batch_axis", default: 1), of: shape.rank)
    let lengths = try call.ints(1)
    guard time != batch, lengths.count == shape[batch], lengths.allSatisfy({ $0 >= 0 && $0 <= shape[time] }) else {
      throw ONNXFailure("the lengths \(lengths) do not fit \(shape)")
    }
    let strides = shape.strides
    var offsets = Array(0..<shape.elementCount)
    for index in offsets.indices {
      let moment = index / strides[time] % shape[time]
      let length = lengths[index / strides[batch] % shape[batch]]
      if moment < length { offsets[index] += (length - 1 - 2 * moment) * strides[time] }
    }
    return [value.gathered(shape, offsets)]
  }

  @Sendable private static func trilu(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let shape = value.shape
    guard shape.rank >= 2 else { throw ONNXFailure("its operand of \(shape) is no matrix") }
    let isUpper = try call.attributes.flag("upper", default: true)
    let diagonal = call.optional(1) == nil ? 0 : try call.scalar(1).ints[0]
    let (rows, columns) = (shape[shape.rank - 2], shape[shape.rank - 1])
    var offsets = Array(0..<shape.elementCount)
    for index in offsets.indices {
      let distance = index % columns - index / columns % rows
      if isUpper ? distance < diagonal : distance > diagonal { offsets[index] = -1 }
    }
    return [value.gathered(shape, offsets)]
  }
}
