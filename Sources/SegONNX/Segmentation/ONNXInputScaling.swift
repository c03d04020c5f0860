import SegEngine

/// What a network does to its image input by constants before anything else: the preparation that is in the file itself.
struct ONNXInputScaling {
  /// What a sample is multiplied by, the mean over channels; the sums have no part in it.
  let scale: Double

  /// Whether the network wants samples from 0 to 255, and not from 0 to 1: it makes them smaller by more than any deviation of images does.
  var takesSteps: Bool { scale.magnitude < 1.0 / 32 }

  /// Follows an input through sums, products and quotients with constants; `nil` where there are none.
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
      // Shape arithmetic reads an input too.
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
