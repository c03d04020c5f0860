import SegEngine

/// A tensor while a file becomes a graph: known, or computed when the network runs.
///
/// A computed one may lie in memory in another order of axes than the file means: what ONNX calls `[N, C, H, W]` usually lies as
/// `[N, H, W, C]`. A Transpose node only changes what the axes are called; memory is moved where an operator needs another order.
struct ONNXValue {
  enum Content {
    case known(ONNXConstant)
    /// `axes[s]` is the file's axis that lies at position *s*.
    case flowing(Value, axes: [Int])
  }

  let type: ONNXElement
  let content: Content

  init(_ constant: ONNXConstant) {
    type = constant.type
    content = .known(constant)
  }

  /// A value that lies as the file means it, or in the given order.
  init(_ type: ONNXElement, _ value: Value, axes: [Int]? = nil) {
    self.type = type
    content = .flowing(value, axes: axes ?? Array(0..<value.shape.rank))
  }

  /// The values where they are known.
  var known: ONNXConstant? {
    if case .known(let constant) = content { constant } else { nil }
  }

  /// Extents in the file's order of axes.
  var dimensions: [Int] {
    switch content {
    case .known(let constant): return constant.shape.dimensions
    case .flowing(let value, let axes):
      var dimensions = [Int](repeating: 0, count: axes.count)
      // A value that stands in after a failure has another rank.
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

  /// The order of axes in which it lies.
  var axes: [Int] {
    switch content {
    case .known(let constant): Array(0..<constant.shape.rank)
    case .flowing(_, let axes): axes
    }
  }
}

/// The order in which feature maps of a rank lie: batch, the spatial axes, channels.
func channelsLast(_ rank: Int) -> [Int] { rank < 3 ? Array(0..<rank) : [0] + Array(2..<rank) + [1] }
