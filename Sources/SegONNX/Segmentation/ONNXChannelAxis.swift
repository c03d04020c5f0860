import SegEngine

/// The axis of an input that is read as channels by the first operator that distinguishes channels from pixels: a
/// convolution, pooling or normalisation, or a matrix product. Operators that only move or rescale elements are
/// followed up to it.
struct ONNXChannelAxis {
  /// The index of the channel axis among the input's axes; `nil` if the file inserts a channel axis of extent 1 itself.
  let channel: Int?
  /// The indices of the axes that the operator reads as height and width; empty for a matrix product, which does not
  /// distinguish them.
  let spatial: [Int]
  /// The number of channels according to the operator's weights; `nil` if it has none.
  let channels: Int?

  /// Returns the roles of all axes of the input; `nil` unless there are two spatial axes and at most one is
  /// left for the batch.
  func roles(rank: Int) -> [AxisRole]? {
    var spatial = spatial
    if spatial.isEmpty {
      // A matrix product contracts the channels. The last two of the other axes are height and width.
      spatial = (0..<rank).filter { $0 != channel }.suffix(2)
    }
    guard spatial.count == 2 else { return nil }
    var roles = [AxisRole?](repeating: nil, count: rank)
    (roles[spatial[0]], roles[spatial[1]]) = (.height, .width)
    if let channel { roles[channel] = .channel }
    guard roles.count(where: { $0 == nil }) <= 1 else { return nil }
    return roles.map { $0 ?? .batch }
  }

  /// Follows an input to the first operator that distinguishes channels from pixels; `nil` if none is found.
  ///
  /// - Parameters:
  ///   - name: The name of the input.
  ///   - rank: Its number of axes.
  ///   - graph: The graph of the file.
  init?(of name: String, rank: Int, in graph: ONNXGraph) {
    // Operators whose axis 1 is channels and whose later axes are spatial.
    let windows: Set<String> = [
      "Conv", "ConvTranspose", "FusedConv", "ConvInteger", "QLinearConv", "DeformConv", "MaxPool", "AveragePool",
      "LpPool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization", "InstanceNormalization",
      "GroupNormalization", "SpaceToDepth", "DepthToSpace", "LRN", "PRelu",
    ]
    // Operators that keep the meaning of all axes.
    let keeping: Set<String> = [
      "Cast", "CastLike", "Identity", "Dropout", "Relu", "Clip", "Sqrt", "Neg", "Abs", "Exp", "Log", "Floor", "Round",
      "Sigmoid", "Tanh", "Pow", "Add", "Sub", "Mul", "Div", "Min", "Max", "Sum", "Pad", "Resize", "Upsample", "Slice",
      "Split", "Concat", "Gather", "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear",
    ]
    var readers: [String: [ONNXNode]] = [:]
    for node in graph.nodes {
      for input in node.inputs where !input.isEmpty { readers[input, default: []].append(node) }
    }
    let constants = ONNXConstants(graph)
    func numbers(_ node: ONNXNode, _ attribute: String, input: Int) -> [Int]? {
      (try? node.attributes.ints(attribute)) ?? (node.inputs.count > input ? constants[node.inputs[input]]?.ints : nil)
    }
    // The values reached so far. For each axis of a value, the index of the input's axis that it is; `nil` for an
    // inserted axis.
    var queue: [(name: String, axes: [Int?])] = [(name, Array(0..<rank))]
    var seen: Set<String> = [name]
    var next = 0
    while next < queue.count, next < 256 {
      let (value, axes) = queue[next]
      next += 1
      for node in readers[value] ?? [] {
        var moved: [Int?]?
        switch node.kind {
        case let kind where windows.contains(kind):
          guard node.inputs.first == value, axes.count >= 3 else { continue }
          channel = axes[1]
          spatial = axes[2...].compactMap { $0 }
          let weights = node.inputs.count > 1 ? constants[node.inputs[kind == "QLinearConv" ? 3 : 1]] : nil
          let groups = (try? node.attributes.int("group")) ?? 1
          switch kind {
          case "Conv", "FusedConv", "ConvInteger", "QLinearConv", "DeformConv":
            channels = weights.flatMap { $0.shape.rank > 1 ? $0.shape[1] * groups : nil }
          case "ConvTranspose", "BatchNormalization", "InstanceNormalization":
            channels = weights.flatMap { $0.shape.rank > 0 ? $0.shape[0] : nil }
          default: channels = nil
          }
          return
        case "MatMul", "Gemm":
          guard node.inputs.first == value, axes.count >= 3, let last = axes[axes.count - 1],
            let weights = constants[node.inputs[1]], weights.shape.rank == 2
          else { continue }
          (channel, spatial, channels) = (last, [], weights.shape[0])
          return
        case "Transpose":
          let order = (try? node.attributes.ints("perm")) ?? Array((0..<axes.count).reversed())
          if order.sorted() == Array(0..<axes.count) { moved = order.map { axes[$0] } }
        case "Unsqueeze":
          guard let added = numbers(node, "axes", input: 1) else { continue }
          let count = axes.count + added.count
          let places = Set(added.map { $0 < 0 ? $0 + count : $0 })
          var rest = axes[...]
          moved = (0..<count).map { places.contains($0) ? nil : rest.popFirst() ?? nil }
        case "Squeeze":
          guard let dropped = numbers(node, "axes", input: 1) else { continue }
          let places = Set(dropped.map { $0 < 0 ? $0 + axes.count : $0 })
          moved = axes.indices.compactMap { places.contains($0) ? nil : .some(axes[$0]) }
        case "Reshape":
          // Only a Reshape that inserts axes of extent 1 is followed.
          guard node.inputs.first == value, let target = numbers(node, "shape", input: 1) else { continue }
          var rest = axes[...]
          guard target.count(where: { $0 != 1 }) == axes.count else { continue }
          moved = target.map { $0 == 1 ? nil : rest.popFirst() ?? nil }
        case let kind where keeping.contains(kind):
          // Gather with a scalar index removes the axis. An operand of higher rank prepends axes by broadcasting.
          if kind == "Gather" {
            guard node.inputs.first == value, let indices = constants[node.inputs[1]], indices.shape.rank == 1 else {
              continue
            }
          }
          let others = node.inputs.filter { $0 != value }.compactMap { constants[$0]?.shape.rank }
          let isArithmetic = ["Add", "Sub", "Mul", "Div", "Min", "Max", "Pow", "Sum"].contains(kind)
          let ahead = isArithmetic ? max(0, (others.max() ?? 0) - axes.count) : 0
          moved = [Int?](repeating: nil, count: ahead) + axes
        default: continue
        }
        guard let moved else { continue }
        for output in node.outputs where !output.isEmpty && seen.insert(output).inserted {
          queue.append((output, moved))
        }
      }
    }
    return nil
  }
}
