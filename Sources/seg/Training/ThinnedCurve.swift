/// Numbers over steps, of which at most some are kept: means of equally many consecutive steps.
struct ThinnedCurve {
  /// The largest number of points.
  private static let limit = 400

  private struct Group {
    var steps = 0.0
    var sum = 0.0
    var count = 0.0
  }

  private var groups: [Int: Group] = [:]
  /// The steps of a group.
  private var width = 1

  /// Adds the number of a step, counted from 1.
  mutating func append(_ step: Int, _ value: Double) {
    add(Group(steps: Double(step), sum: value, count: 1), to: (step - 1) / width)
    while groups.count > Self.limit {
      width *= 2
      let former = groups
      groups = [:]
      for (index, group) in former { add(group, to: index / 2) }
    }
  }

  private mutating func add(_ group: Group, to index: Int) {
    groups[index, default: Group()].steps += group.steps
    groups[index]!.sum += group.sum
    groups[index]!.count += group.count
  }

  /// The mean step and number of each group, in order.
  var points: [(step: Double, value: Double)] {
    groups.sorted { $0.key < $1.key }.map { ($0.value.steps / $0.value.count, $0.value.sum / $0.value.count) }
  }

  /// The points as means of their neighbours, of a fortieth of all points on both sides. The first, where a curve is steep, have fewer.
  var smoothed: [(step: Double, value: Double)] {
    let points = points
    return points.indices.map { index in
      let reach = min(points.count / 40, index)
      let window = points[index - reach...min(index + reach, points.count - 1)]
      return (points[index].step, window.reduce(0) { $0 + $1.value } / Double(window.count))
    }
  }
}
