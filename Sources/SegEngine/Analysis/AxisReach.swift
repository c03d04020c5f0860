/// The positions along one axis of an input that an output position is computed from.
public struct AxisReach: Sendable {
  /// The distance in the input between successive output positions.
  public let scale: Double
  /// Whether every output reads every position, whatever the extent.
  public let isEverything: Bool
  /// The existing positions that an output position reads, in ascending order.
  public let positions: @Sendable (_ output: Int) -> [Int]
  /// The range of positions that an output would read on an unbounded axis; `nil` if it reads none.
  public let span: @Sendable (_ output: Int) -> ClosedRange<Int>?

  /// The whole axis. An axis of extent 1 is a single position.
  static func all(of extent: Int) -> AxisReach {
    AxisReach(
      scale: 0, isEverything: extent > 1, positions: { _ in Array(0..<extent) },
      span: { _ in extent > 0 ? 0...extent - 1 : nil })
  }

  /// Output i reads position i + distance.
  static func shifted(by distance: Int, of extent: Int) -> AxisReach {
    window(stride: 1, first: distance, step: 1, count: 1, of: extent)
  }

  /// Output i reads stride · i + first + step · t for 0 ≤ t < count: convolutions and poolings.
  static func window(stride: Int, first: Int, step: Int, count: Int, of extent: Int) -> AxisReach {
    AxisReach(
      scale: Double(stride), isEverything: false,
      positions: { output in
        let start = stride * output + first
        return (0..<count).map { start + step * $0 }.filter { (0..<extent).contains($0) }
      },
      span: { output in
        let start = stride * output + first
        return count > 0 ? start...start + step * (count - 1) : nil
      })
  }

  /// Output i reads the positions j with i = stride · j + first + step · t for some 0 ≤ t < count: transposed
  /// convolutions.
  static func spread(stride: Int, first: Int, step: Int, count: Int, of extent: Int) -> AxisReach {
    @Sendable func all(_ output: Int) -> [Int] {
      (0..<count).reversed().compactMap { tap in
        let distance = output - first - step * tap
        // Exact division, also for negative numbers.
        return distance % stride == 0 ? distance / stride : nil
      }
    }
    return AxisReach(
      scale: 1 / Double(stride), isEverything: false,
      positions: { all($0).filter { (0..<extent).contains($0) } },
      span: { output in
        let seen = all(output)
        guard let first = seen.first, let last = seen.last else { return nil }
        return first...last
      })
  }

  /// Output i reads the positions in a table. Near and beyond the borders, an unbounded axis is modelled by shifting
  /// the entry of an output of the same phase in the middle.
  static func table(_ table: [[Int]], of extent: Int) -> AxisReach {
    let table = table.map { Array(Set($0)).sorted() }
    let common = max(1, greatestCommonDivisor(table.count, extent))
    // The table repeats after `period` outputs, shifted by `step` inputs.
    let (period, step) = (max(1, table.count / common), extent / common)
    let scale = Double(extent) / Double(max(1, table.count))
    return AxisReach(
      scale: scale, isEverything: false, positions: { table[$0] },
      span: { output in
        guard !table.isEmpty else { return nil }
        var (inside, moved) = (min(max(output, 0), table.count - 1), 0)
        if output < 1 || output > table.count - 2 {
          let periods = Int((Double(output - table.count / 2) / Double(period)).rounded(.down))
          if table.indices.contains(output - periods * period) {
            (inside, moved) = (output - periods * period, periods * step)
          } else {
            // If the table does not repeat, use the nearest end.
            moved = Int((Double(output - inside) * scale).rounded())
          }
        }
        guard let first = table[inside].first, let last = table[inside].last else {
          return nil
        }
        return first + moved...last + moved
      })
  }
}
