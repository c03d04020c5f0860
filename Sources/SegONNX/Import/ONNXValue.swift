import SegEngine

/// A value during import: a constant, or a value that is computed when the network runs.
///
/// The axis order of a computed value in memory may differ from the file's: a value that is `[N, C, H, W]` in the file
/// is usually stored as `[N, H, W, C]`. A Transpose node only renumbers the axes; elements are moved if an operator
/// needs another order.
struct ONNXValue {
  enum Content {
    /// The elements are known.
    case known(ONNXConstant)
    /// The elements are computed when the network runs. Memory axis *s* is the file's axis `axes[s]`.
    case flowing(Value, axes: [Int])
  }

  let type: ONNXElement
  let content: Content
  /// For integers, the same numbers as the engine computes with them; `nil` where only the integers are there.
  var integers: ONNXIntegers?

  init(_ constant: ONNXConstant) {
    type = constant.type
    content = .known(constant)
  }

  /// Creates a computed value with the given axis order in memory, by default the file's.
  init(_ type: ONNXElement, _ value: Value, axes: [Int]? = nil) {
    self.type = type
    content = .flowing(value, axes: axes ?? Array(0..<value.shape.rank))
  }

  /// The constant; `nil` for a computed value.
  var known: ONNXConstant? {
    if case .known(let constant) = content { constant } else { nil }
  }

  /// The extents in the file's axis order.
  var dimensions: [Int] {
    switch content {
    case .known(let constant): return constant.shape.dimensions
    case .flowing(let value, let axes):
      var dimensions = [Int](repeating: 0, count: axes.count)
      // A placeholder after a shape error may have another rank.
      guard value.shape.rank == axes.count else { return dimensions }
      for (position, axis) in axes.enumerated() { dimensions[axis] = value.shape[position] }
      return dimensions
    }
  }

  var rank: Int {
    switch content {
    case .known(let constant): constant.shape.rank
    case .flowing(_, let axes): axes.count
    }
  }

  /// The axes in an order in which the last is innermost: as they lie in memory if it is so there, else the file's.
  var orderOfRows: [Int] { axes.last == rank - 1 ? axes : Array(0..<rank) }

  /// The file's axes in their order in memory.
  var axes: [Int] {
    switch content {
    case .known(let constant): Array(0..<constant.shape.rank)
    case .flowing(_, let axes): axes
    }
  }
}

/// Returns the memory order of a feature map with the given number of axes: batch, spatial axes, channels. Fewer than
/// three axes keep their order.
func channelsLast(_ rank: Int) -> [Int] { rank < 3 ? Array(0..<rank) : [0] + Array(2..<rank) + [1] }
