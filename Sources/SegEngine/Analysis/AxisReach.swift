/// Which positions along one axis of an input an output's position is computed from.
public struct AxisReach: Sendable {
  /// Input positions from one output position to the next.
  public let scale: Double
  /// Whether every output sees every position, however long the axis.
  public let isEverything: Bool
  /// The positions that an output position sees, all of which exist, in ascending order.
  public let positions: @Sendable (_ output: Int) -> [Int]
  /// The first and last position that it would see if the axis went on at both ends; `nil` where it sees none.
  public let span: @Sendable (_ output: Int) -> ClosedRange<Int>?

  /// All of an axis. An extent of 1 is nothing more than its one position.
  static func all(of extent: Int) -> AxisReach {
    AxisReach(
      scale: 0, isEverything: extent > 1, positions: { _ in Array(0..<extent) },
      span: { _ in extent > 0 ? 0...extent - 1 : nil })
  }

  /// Output i sees position i + distance.
  static func shifted(by distance: Int, of extent: Int) -> AxisReach {
    window(stride: 1, first: distance, step: 1, count: 1, of: extent)
  }

  /// Output i sees stride · i + first + step · t for t below count: convolutions and poolings.
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

  /// Output i sees the positions j for which i = stride · j + first + step · t with a t below count: transposed convolutions.
  static func spread(stride: Int, first: Int, step: Int, count: Int, of extent: Int) -> AxisReach {
    @Sendable func all(_ output: Int) -> [Int] {
      (0..<count).reversed().compactMap { tap in
        let distance = output - first - step * tap
        // Exact division of numbers of either sign.
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

  /// Output i sees the positions that stand in a table. At its ends and beyond them, where a map without borders would go on, it sees
  /// what outputs of the same phase in the middle do, moved on.
  static func table(_ table: [[Int]], of extent: Int) -> AxisReach {
    func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
    let table = table.map { Array(Set($0)).sorted() }
    let common = max(1, divisor(table.count, extent))
    // After so many outputs the table repeats, so many inputs on.
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
            // A table that does not repeat: the nearest end.
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
