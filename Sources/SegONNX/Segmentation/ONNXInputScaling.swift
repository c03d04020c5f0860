import SegEngine

/// The scaling of the image input by constants at the start of a network: preprocessing that is part of the file.
struct ONNXInputScaling {
  /// The factor of the input, averaged over the channels. Constants that are added are not included.
  let scale: Double

  /// Whether the network expects samples from 0 to 255 rather than from 0 to 1. A factor below 1/32 is taken to include
  /// a division by 255: division by the deviation of samples from 0 to 1 alone gives factors above 1.
  var takesSteps: Bool { scale.magnitude < 1.0 / 32 }

  /// Follows an input through additions, multiplications and divisions with constants; `nil` if there are none.
  init?(of name: String, in graph: ONNXGraph) {
    var value = name
    var scale = 1.0
    var isScaled = false
    let constants = ONNXConstants(graph)
    func mean(_ constant: ONNXConstant) -> Double {
      let values = constant.floats
      return values.isEmpty ? 0 : Double(values.reduce(0, +)) / Double(values.count)
    }
    steps: for _ in 0..<16 {
      let readers = graph.nodes.filter { $0.inputs.contains(value) }
      // Shape and Size read the extents only.
      let computing = readers.filter { $0.kind != "Shape" && $0.kind != "Size" }
      guard computing.count == 1, let node = computing.first, let output = node.outputs.first else { break }
      let other = node.inputs.first { $0 != value }.flatMap { constants[$0] }
      let isFirst = node.inputs.first == value
      switch node.kind {
      case "Cast", "Identity", "Transpose", "Unsqueeze", "Squeeze", "Clip", "Gather": break
      case "Add", "Sub":
        guard other != nil else { break steps }
        isScaled = true
      case "Mul":
        guard let other else { break steps }
        (scale, isScaled) = (scale * mean(other), true)
      case "Div":
        guard let other, isFirst, mean(other) != 0 else { break steps }
        (scale, isScaled) = (scale / mean(other), true)
      default: break steps
      }
      value = output
    }
    guard isScaled else { return nil }
    self.scale = scale
  }
}
