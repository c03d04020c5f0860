/// Orders of a tensor's axes: axis i of the tensor in the file is axis `order[i]` of the engine's value.
enum AxisOrder {
  /// The engine's own order, with the channels last.
  static func own(_ rank: Int) -> [Int] { Array(0..<rank) }

  /// `[batch, channels, …]` for a value `[batch, …, channels]`. A value of rank 2 or less keeps its order.
  static func channelsFirst(_ rank: Int) -> [Int] {
    rank < 3 ? own(rank) : [0, rank - 1] + Array(1..<rank - 1)
  }

  /// The order of inputs and outputs of a file: `[batch, channels, height, width]` for rank 4, otherwise the engine's own.
  static func port(_ rank: Int) -> [Int] { rank == 4 ? channelsFirst(4) : own(rank) }

  /// Returns the order after some axes are removed.
  static func removing(_ removed: Set<Int>, from order: [Int]) -> [Int] {
    order.filter { !removed.contains($0) }.map { axis in axis - removed.count { $0 < axis } }
  }
}
