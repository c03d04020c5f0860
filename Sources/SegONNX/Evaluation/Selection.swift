import SegEngine

/// Operators that select elements by index or by value.
extension ONNXEvaluator {
  static let selection: [String: Body] = [
    "Gather": gather, "GatherElements": gatherElements, "GatherND": gatherND, "Compress": compress, "NonZero": nonZero,
    "OneHot": oneHot, "TopK": topK, "Hardmax": hardmax,
  ]

  /// Returns indices along an axis of the given extent. Negative indices count from the end.
  static func indices(_ constant: ONNXConstant, below extent: Int) throws(ONNXFailure) -> [Int] {
    guard !constant.type.isFloat else { throw ONNXFailure("its indices are no integers") }
    var indices = constant.ints
    for position in indices.indices {
      let index = indices[position]
      guard index >= -extent, index < extent else {
        throw ONNXFailure("the index \(index) is outside an axis of \(extent)")
      }
      if index < 0 { indices[position] = index + extent }
    }
    return indices
  }

  @Sendable private static func gather(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (value, positions) = (try call.operand(0), try call.operand(1))
    let shape = value.shape
    let axis = try call.axis(of: shape, default: 0)
    let picked = try indices(positions, below: shape[axis])
    let (lead, tail) = (shape.dimensions[..<axis], shape.dimensions[(axis + 1)...])
    let result = try HostShapes(call).shape()
    guard result.elementCount > 0 else { return [value.gathered(result, [])] }
    let (outer, inner) = (lead.reduce(1, *), tail.reduce(1, *))
    let table = Offsets.table([outer, picked.count, inner]) { axis, index in
      axis == 0 ? index * shape[lead.count] * inner : axis == 1 ? picked[index] * inner : index
    }
    return [value.gathered(result, table)]
  }

  /// Returns, for each element of `positions`, the offset in `shape` of the element with this index along `axis`
  /// (GatherElements-13).
  static func pointed(
    _ call: ONNXCall, _ positions: ONNXConstant, _ shape: Shape, _ axis: Int
  ) throws(ONNXFailure) -> [Int] {
    guard positions.shape.rank == shape.rank,
      (0..<shape.rank).allSatisfy({ $0 == axis || positions.shape[$0] <= shape[$0] })
    else { throw ONNXFailure("indices of \(positions.shape) do not fit \(shape)") }
    let along = try indices(positions, below: shape[axis])
    let strides = shape.strides
    var offsets = Offsets.table(positions.shape) { $0 == axis ? 0 : $1 * strides[$0] }
    for index in offsets.indices { offsets[index] += along[index] * strides[axis] }
    return offsets
  }

  @Sendable private static func gatherElements(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (value, positions) = (try call.operand(0), try call.operand(1))
    let axis = try call.axis(of: value.shape, default: 0)
    return [value.gathered(positions.shape, try pointed(call, positions, value.shape, axis))]
  }

  /// Returns the offsets of the blocks that index tuples select, after `batch` common leading axes, and the shape of a
  /// block (GatherND-13).
  static func blocks(
    _ call: ONNXCall, _ positions: ONNXConstant, _ shape: Shape, batch: Int
  ) throws(ONNXFailure) -> (starts: [Int], block: [Int]) {
    let rank = positions.shape.rank
    guard rank > 0, batch >= 0, batch < rank, !positions.type.isFloat, positions.shape[rank - 1] <= shape.rank - batch,
      positions.shape[rank - 1] >= 0,
      positions.shape.dimensions[..<batch] == shape.dimensions[..<min(batch, shape.rank)]
    else { throw ONNXFailure("indices of \(positions.shape) do not fit \(shape)") }
    let depth = positions.shape[rank - 1]
    let rows = try call.shape(Array(positions.shape.dimensions[..<(rank - 1)]))
    let strides = shape.strides
    var starts = Offsets.table(rows) { $0 < batch ? $1 * strides[$0] : 0 }
    let values = positions.ints
    for row in starts.indices {
      for axis in 0..<depth {
        let (index, extent) = (values[row * depth + axis], shape[batch + axis])
        guard index >= -extent, index < extent else {
          throw ONNXFailure("the index \(index) is outside an axis of \(extent)")
        }
        starts[row] += (index < 0 ? index + extent : index) * strides[batch + axis]
      }
    }
    return (starts, Array(shape.dimensions[(batch + depth)...]))
  }

  @Sendable private static func gatherND(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (value, positions) = (try call.operand(0), try call.operand(1))
    let batch = try call.attributes.int("batch_dims", default: 0)
    let (starts, block) = try blocks(call, positions, value.shape, batch: batch)
    let shape = try call.shape(positions.shape.dimensions.dropLast() + block)
    let size = block.reduce(1, clampedProduct)
    guard shape.elementCount > 0 else { return [value.gathered(shape, [])] }
    return [value.gathered(shape, Offsets.table([starts.count, size]) { $0 == 0 ? starts[$1] : $1 })]
  }

  @Sendable private static func compress(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (given, condition) = (try call.operand(0), try call.operand(1))
    let flags = condition.integers
    let number = try call.attributes.int("axis")
    let value = number == nil ? given.reshaped([given.shape.elementCount]) : given
    let axis = try call.axis(number ?? 0, of: value.shape.rank)
    guard condition.shape.rank == 1, flags.count <= value.shape[axis] else {
      throw ONNXFailure("a condition of \(condition.shape) does not fit \(value.shape)")
    }
    let kept = flags.indices.filter { flags[$0] != 0 }
    let shape = value.shape.replacing(axis: axis, with: kept.count)
    let strides = value.shape.strides
    return [value.gathered(shape, Offsets.table(shape) { ($0 == axis ? kept[$1] : $1) * strides[$0] })]
  }

  @Sendable private static func nonZero(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let found: [Int]
    if value.type.isFloat {
      let values = value.floats
      found = values.indices.filter { values[$0] != 0 }
    } else {
      let values = value.integers
      found = values.indices.filter { values[$0] != 0 }
    }
    let shape = try call.shape([value.shape.rank, found.count])
    var indices: [Int64] = []
    indices.reserveCapacity(shape.elementCount)
    for (axis, stride) in value.shape.strides.enumerated() {
      for offset in found { indices.append(Int64(offset / stride % value.shape[axis])) }
    }
    return [ONNXConstant(.int64, shape, integers: indices)]
  }

  @Sendable private static func oneHot(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (positions, values) = (try call.operand(0), try call.operand(2))
    let shape = try HostShapes(call).shape()
    let axis = try call.axis(of: shape, default: -1)
    let depth = shape[axis]
    let inner = positions.shape.dimensions[axis...].reduce(1, clampedProduct)
    var table = [Int](repeating: 0, count: shape.elementCount)
    for (index, given) in positions.ints.enumerated() where given >= -depth && given < depth {
      let hot = given < 0 ? given + depth : given
      table[(index / inner * depth + hot) * inner + index % inner] = 1
    }
    return [values.gathered(shape, table)]
  }

  /// Computes Hardmax: 1 at the first of a line's largest elements, 0 elsewhere. Before opset 13, the given axis and
  /// all after it form one line.
  @Sendable private static func hardmax(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    guard value.type.isFloat else { throw ONNXFailure("it is not defined for \(value.type)") }
    let axis = try call.axis(of: value.shape, default: call.opset < 13 ? 1 : -1)
    let lines = try Lines(call, value.shape, along: call.opset < 13 ? Array(axis..<value.shape.rank) : [axis])
    let values = value.floats
    var results = [Float](repeating: 0, count: values.count)
    for start in lines.starts {
      var best: Int?
      for step in lines.steps where best.map({ values[start + step] > values[start + $0] }) ?? true { best = step }
      if let best { results[start + best] = 1 }
    }
    return [ONNXConstant(value.type, value.shape, floats: results)]
  }

  @Sendable private static func topK(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let shape = value.shape
    let axis = try call.axis(of: shape, default: -1)
    let result = try HostShapes(call).shape()
    let count = result[axis]
    let largest = try call.attributes.flag("largest", default: true)
    let stride = shape.strides[axis]
    let lines = count == 0 ? [] : Offsets.table(shape.replacing(axis: axis, with: 1), strides: shape.strides)
    let starts = count == 0 ? [] : Offsets.table(result.replacing(axis: axis, with: 1), strides: result.strides)
    var (picked, ranks) = (
      [Int](repeating: 0, count: result.elementCount), [Int64](repeating: 0, count: result.elementCount)
    )
    func pick<N: Numeral>(_ values: [N]) {
      for (line, start) in zip(lines, starts) {
        // NaN is the largest. Of equal elements, the one with the lower index is first (TopK-11).
        let keys = (0..<shape[axis]).map { values[line + $0 * stride] }
        let order = keys.indices.sorted { a, b in
          let (first, second) = (keys[a], keys[b])
          if first != first || second != second {
            return (first != first) == (second != second) ? a < b : (first != first) == largest
          }
          return first == second ? a < b : largest ? first > second : first < second
        }
        for place in 0..<count {
          picked[start + place * stride] = line + order[place] * stride
          ranks[start + place * stride] = Int64(order[place])
        }
      }
    }
    if count > 0 { if value.type.isFloat { pick(value.floats) } else { pick(value.integers) } }
    return [value.gathered(result, picked), ONNXConstant(.int64, result, integers: ranks)]
  }
}
