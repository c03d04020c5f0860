import SegEngine

extension ONNXGraph {
  /// The inputs of a node that are weights, by operator type.
  private static let weightInputs: [String: ClosedRange<Int>] = [
    "Conv": 1...2, "ConvTranspose": 1...2, "Gemm": 0...2, "MatMul": 0...1, "BatchNormalization": 1...4,
    "InstanceNormalization": 1...2, "GroupNormalization": 1...2, "LayerNormalization": 1...2, "PRelu": 1...1,
    "Add": 0...1, "Sub": 0...1, "Mul": 0...1, "Div": 0...1,
  ]

  /// The operators of arithmetic, whose single numbers are constants of a formula and no weights.
  private static let arithmetic: Set<String> = ["Add", "Sub", "Mul", "Div"]

  /// The names of the float32 initialisers that only weight inputs of operators read, in the order of the nodes. A layer of constants
  /// alone has none.
  var weightNames: [String] {
    var names: [String] = []
    var refused: Set<String> = []
    for node in nodes {
      let range = node.domain.isEmpty ? ONNXGraph.weightInputs[node.kind] : nil
      let isConstant = node.inputs.allSatisfy { $0.isEmpty || initializers[$0] != nil }
      for (index, name) in node.inputs.enumerated() {
        guard let constant = initializers[name] else { continue }
        let isNumber = constant.tensor.count == 1 && ONNXGraph.arithmetic.contains(node.kind)
        if let range, range.contains(index), constant.type == .float, !isNumber, !isConstant {
          names.append(name)
        } else {
          refused.insert(name)
        }
      }
      refused.formUnion(node.readNames.filter { !node.inputs.contains($0) })
    }
    var seen: Set<String> = []
    return names.filter { !refused.contains($0) && seen.insert($0).inserted }
  }

  /// The operators between the last layer and an output that keep the channels.
  private static let keepingChannels: Set<String> = [
    "Resize", "Upsample", "Identity", "Cast", "Dropout", "Sigmoid", "Softmax", "LogSoftmax",
  ]
  private static let probabilityFunctions: Set<String> = ["Sigmoid", "Softmax", "LogSoftmax"]

  private func producer(of name: String) -> ONNXNode? { nodes.first { $0.outputs.contains(name) } }

  /// The operators between the last layer and an output, the last first.
  private func operatorsBehindHead(of output: String) -> [ONNXNode] {
    var (name, found) = (output, [ONNXNode]())
    while let node = producer(of: name), ONNXGraph.keepingChannels.contains(node.kind), let input = node.inputs.first {
      found.append(node)
      name = input
    }
    return found
  }

  /// The name of the logits of an output: the output, or what its last sigmoid or softmax reads.
  func logitsName(of output: String) -> String {
    operatorsBehindHead(of: output).first { ONNXGraph.probabilityFunctions.contains($0.kind) }?.inputs[0] ?? output
  }

  /// A layer whose output channels are the classes: its weights, its bias, and the axis of the classes in the weights.
  struct Head {
    let weights: String
    let bias: String?
    let classAxis: Int
    /// The inputs with target sizes of the interpolations behind it.
    let sizes: [String]
  }

  /// Returns the layer that computes the classes of an output; `nil` if other operators than interpolations and functions of probabilities
  /// lie between.
  func head(of output: String) -> Head? {
    let behind = operatorsBehindHead(of: output)
    let sizes = behind.filter { $0.kind == "Resize" && $0.inputs.count > 3 }.map { $0.inputs[3] }
    guard let node = producer(of: behind.last?.inputs[0] ?? output), node.inputs.count > 1,
      initializers[node.inputs[1]] != nil,
      (try? node.attributes.int("group", default: 1)) == 1
    else { return nil }
    let bias = node.inputs.count > 2 && !node.inputs[2].isEmpty ? node.inputs[2] : nil
    switch node.kind {
    case "Conv": return Head(weights: node.inputs[1], bias: bias, classAxis: 0, sizes: sizes)
    case "ConvTranspose": return Head(weights: node.inputs[1], bias: bias, classAxis: 1, sizes: sizes)
    default: return nil
    }
  }
}
