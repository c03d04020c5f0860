import SegEngine

/// Operators whose results are as large as their operands' values make them.
extension ONNXEvaluator {
  static let suppression: [String: Body] = ["NonMaxSuppression": suppressed, "Unique": unique]

  /// A box by its corners.
  private struct Box {
    let top, left, bottom, right: Float

    /// Creates a box from corners in any order, or from centre and size (NonMaxSuppression-11).
    init(_ numbers: ArraySlice<Float>, isCentred: Bool) {
      let n = Array(numbers)
      if isCentred {
        (left, right) = (n[0] - n[2] / 2, n[0] + n[2] / 2)
        (top, bottom) = (n[1] - n[3] / 2, n[1] + n[3] / 2)
      } else {
        (top, bottom) = (min(n[0], n[2]), max(n[0], n[2]))
        (left, right) = (min(n[1], n[3]), max(n[1], n[3]))
      }
    }

    var area: Float { (bottom - top) * (right - left) }

    /// Whether the intersection is more than a share of the union.
    func overlaps(_ other: Box, beyond share: Float) -> Bool {
      let height = min(bottom, other.bottom) - max(top, other.top)
      let width = min(right, other.right) - max(left, other.left)
      guard height > 0, width > 0, area > 0, other.area > 0 else { return false }
      let both = height * width
      return both / (area + other.area - both) > share
    }
  }

  /// Computes NonMaxSuppression-11. Of equal scores, the box with the lower index is first.
  @Sendable private static func suppressed(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (boxes, scores) = (try call.operand(0), try call.operand(1))
    guard boxes.shape.rank == 3, scores.shape.rank == 3, boxes.shape[2] == 4, boxes.shape[0] == scores.shape[0],
      boxes.shape[1] == scores.shape[2], boxes.type.isFloat, scores.type.isFloat
    else { throw ONNXFailure("boxes of \(boxes.shape) do not go with scores of \(scores.shape)") }
    let most = call.optional(2) == nil ? 0 : max(0, try call.scalar(2).ints[0])
    let share = call.optional(3) == nil ? 0 : try call.scalar(3).floats[0]
    let least = call.optional(4) == nil ? nil : try call.scalar(4).floats[0]
    let isCentred = try call.attributes.int("center_point_box", default: 0) != 0
    let (classes, count) = (scores.shape[1], scores.shape[2])
    try call.spend(scores.shape.elementCount, min(most, count))
    let (places, values) = (boxes.floats, scores.floats)
    var found: [Int64] = []
    for image in 0..<boxes.shape[0] where count > 0 {
      let all = (0..<count).map { box in
        Box(places[(image * count + box) * 4..<(image * count + box) * 4 + 4], isCentred: isCentred)
      }
      for kind in 0..<classes {
        let start = (image * classes + kind) * count
        let order = (0..<count).filter { least == nil || values[start + $0] > least! }
          .sorted { values[start + $0] != values[start + $1] ? values[start + $0] > values[start + $1] : $0 < $1 }
        var kept: [Int] = []
        for box in order {
          if kept.count >= most { break }
          if kept.contains(where: { all[box].overlaps(all[$0], beyond: share) }) { continue }
          kept.append(box)
          found += [Int64(image), Int64(kind), Int64(box)]
        }
      }
    }
    return [ONNXConstant(.int64, [found.count / 3, 3], integers: found)]
  }

  /// Computes Unique-11: the different elements, or slices along an axis, with the index of the first of each, the index
  /// of each element's value in the result, and how often each occurs.
  @Sendable private static func unique(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let given = try call.operand(0)
    let number = try call.attributes.int("axis")
    let isSorted = try call.attributes.flag("sorted", default: true)
    let value = number == nil ? given.reshaped([given.shape.elementCount]) : given
    let axis = try call.axis(number ?? 0, of: value.shape.rank)
    let extent = value.shape[axis]
    let lines = try Lines(call, value.shape, along: [axis])
    try call.spend(value.shape.elementCount, 64)
    func grouped<N: Numeral>(_ values: [N]) -> (firsts: [Int], inverse: [Int], counts: [Int]) {
      func comes(_ a: Int, _ b: Int) -> Bool? {
        for start in lines.starts {
          let (x, y) = (values[start + lines.steps[a]], values[start + lines.steps[b]])
          if x != y { return x < y }
        }
        return nil
      }
      let order = (0..<extent).sorted { comes($0, $1) ?? ($0 < $1) }
      var groups: [[Int]] = []
      for index in order {
        if let last = groups.last, comes(last[0], index) == nil {
          groups[groups.count - 1].append(index)
        } else {
          groups.append([index])
        }
      }
      if !isSorted { groups.sort { $0[0] < $1[0] } }
      var inverse = [Int](repeating: 0, count: extent)
      for (place, group) in groups.enumerated() { for index in group { inverse[index] = place } }
      return (groups.map { $0[0] }, inverse, groups.map(\.count))
    }
    let (firsts, inverse, counts) = value.type.isFloat ? grouped(value.floats) : grouped(value.integers)
    let shape = value.shape.replacing(axis: axis, with: firsts.count)
    let strides = value.shape.strides
    func list(_ numbers: [Int]) -> ONNXConstant {
      ONNXConstant(.int64, [numbers.count], integers: numbers.map { Int64($0) })
    }
    return [
      value.gathered(shape, Offsets.table(shape) { ($0 == axis ? firsts[$1] : $1) * strides[$0] }),
      list(firsts), list(inverse), list(counts),
    ]
  }
}
