/// Decides in which buffer each value of a graph lives: the caller's memory, a constant's, or a part of the arena that values
/// with the same contents, and operators that overwrite their operand, share.
struct BufferAssignment {
  struct ArenaBuffer {
    let buffer: Int
    var byteCount: Int
    /// First and last step at which it holds something.
    var lifetime: ClosedRange<Int>
  }

  /// An output whose value lives elsewhere (it is an input, a constant, or an output twice) and is copied at the end.
  struct Copy {
    let value: Graph.ValueID
    let output: String
  }

  /// Number of buffers.
  private(set) var count = 0
  /// The buffer of each value, by the value's index.
  private(set) var ofValue: [Int]
  /// The buffer of each output, by its name.
  private(set) var ofOutput: [String: Int] = [:]
  /// The constants that are read while running.
  private(set) var constants: [(buffer: Int, tensor: Tensor)] = []
  /// The buffers that lie in the arena.
  private(set) var arena: [ArenaBuffer] = []
  private(set) var copies: [Copy] = []
  private let forwarded: Set<String>

  /// Whether a node's output is its input's memory, so that nothing is to be run for it.
  func isForwarded(_ node: Graph.Node) -> Bool { forwarded.contains(node.name) }

  init(_ graph: Graph, _ specs: [TensorSpec]) {
    ofValue = Array(repeating: -1, count: graph.values.count)
    let outputValues = Set(graph.outputs.map(\.value))
    func forwardedInput(_ node: Graph.Node) -> Int? {
      node.operator.forwardedInput(
        inputs: node.inputs.map { specs[$0.index] }, outputs: node.outputs.map { specs[$0.index] })
    }
    func forwards(_ node: Graph.Node) -> Bool {
      guard let input = forwardedInput(node), case .node = graph[node.inputs[input]].source else { return false }
      // An output is written in the caller's memory by the node that computes it.
      return !outputValues.contains(node.outputs[0]) && !outputValues.contains(node.inputs[input])
    }
    let forwardedNodes = graph.nodes.filter(forwards)
    forwarded = Set(forwardedNodes.map(\.name))
    let running = graph.nodes.filter { !forwarded.contains($0.name) }

    // The value whose memory a value is.
    var root = Dictionary(uniqueKeysWithValues: graph.values.indices.map { ($0, $0) })
    for node in forwardedNodes {
      root[node.outputs[0].index] = root[node.inputs[forwardedInput(node)!].index]!
    }
    var lastUse: [Int: Int] = [:]
    for (step, node) in running.enumerated() {
      for input in node.inputs { lastUse[root[input.index]!] = step }
    }

    var outputOf: [Int: String] = [:]
    for port in graph.outputs {
      var isComputed = false
      if case .node = graph[port.value].source { isComputed = true }
      if isComputed, outputOf[port.value.index] == nil {
        outputOf[port.value.index] = port.name
      } else {
        copies.append(Copy(value: port.value, output: port.name))
      }
    }
    let end = running.count + copies.count
    for (index, copy) in copies.enumerated() { lastUse[root[copy.value.index]!] = running.count + index }

    for port in graph.inputs { ofValue[port.value.index] = newBuffer() }
    for (index, info) in graph.values.enumerated() {
      if case .constant(let tensor) = info.source {
        ofValue[index] = newBuffer()
        constants.append((ofValue[index], tensor))
      }
    }
    for port in graph.outputs { ofOutput[port.name] = newBuffer() }

    var arenaIndex: [Int: Int] = [:]
    for (step, node) in running.enumerated() {
      for (position, output) in node.outputs.enumerated() {
        let id = output.index
        if let name = outputOf[id] {
          ofValue[id] = ofOutput[name]!
          continue
        }
        let last = lastUse[id] ?? step
        let bytes = specs[id].byteCount
        if position == 0, let shared = overwritten(node, step, bytes, specs, root, lastUse, arenaIndex) {
          ofValue[id] = arena[shared].buffer
          arena[shared].lifetime = arena[shared].lifetime.lowerBound...max(arena[shared].lifetime.upperBound, last)
          arenaIndex[id] = shared
        } else {
          ofValue[id] = newBuffer()
          arenaIndex[id] = arena.count
          arena.append(ArenaBuffer(buffer: ofValue[id], byteCount: bytes, lifetime: step...max(step, min(last, end))))
        }
      }
    }
    for node in forwardedNodes { ofValue[node.outputs[0].index] = ofValue[root[node.outputs[0].index]!] }
  }

  private mutating func newBuffer() -> Int {
    count += 1
    return count - 1
  }

  /// The arena buffer of an operand that dies at this step and that the node may overwrite.
  private func overwritten(
    _ node: Graph.Node, _ step: Int, _ bytes: Int, _ specs: [TensorSpec], _ root: [Int: Int], _ lastUse: [Int: Int],
    _ arenaIndex: [Int: Int]
  ) -> Int? {
    for input in node.operator.overwritableInputs where input < node.inputs.count {
      let id = root[node.inputs[input].index]!
      guard let index = arenaIndex[id], arena[index].lifetime.upperBound == step, lastUse[id] == step,
        specs[id].byteCount == bytes,
        node.inputs.filter({ root[$0.index] == id }).count == 1
      else { continue }
      return index
    }
    return nil
  }
}
