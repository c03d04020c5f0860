import SegEngine

/// Control flow that is known during import: the branch that is taken, and loops of a known number of turns, are put in
/// the place of their node.
extension ONNXImporter {
  /// The number of nodes up to which loops are written out. A stage evaluates longer loops turn by turn; a graph cannot.
  private var mostUnrolledNodes: Int { isFollowed ? 1 << 12 : 1 << 16 }

  /// Replaces a node of control flow by the nodes that it runs. Returns `false` for other nodes.
  ///
  /// - Throws: ``ONNXFailure`` with a wait if what runs is known only when the network runs.
  func replaceControl(_ node: ONNXNode) throws -> Bool {
    guard node.domain.isEmpty else { return false }
    switch node.kind {
    case "If": return try replaceBranch(node)
    case "Loop": return try unroll(node, loopTurns(node), inputs: loopInputs(node), outputs: loopOutputs)
    case "Scan": return try unroll(node, scanTurns(node), inputs: scanInputs(node), outputs: scanOutputs)
    default: return false
    }
  }

  // MARK: If

  private func replaceBranch(_ node: ONNXNode) throws -> Bool {
    guard let name = node.inputs.first, !name.isEmpty else { throw ONNXFailure("it has no condition") }
    if staging?.awaited.contains(name) ?? false { return false }
    guard let value = values[name] else { throw ONNXFailure("its input \(name) is defined nowhere") }
    var condition = value.known
    if condition == nil { condition = try look(at: name) }
    guard let condition else {
      throw ONNXFailure("its condition is known only when the network runs", waitingFor: .values([name]))
    }
    guard condition.shape.elementCount == 1 else { throw ONNXFailure("its condition is no scalar") }
    guard let branch = try node.attributes.graph(condition.integers[0] != 0 ? "then_branch" : "else_branch") else {
      throw ONNXFailure("the branch that is taken is missing")
    }
    guard branch.outputs.count >= node.outputs.count else {
      throw ONNXFailure("its branch has \(branch.outputs.count) outputs, not \(node.outputs.count)")
    }
    let computed = Set(branch.nodes.flatMap(\.outputs))
    let local = branch.definedNames
    let prefix = node.outputs.first { !$0.isEmpty } ?? node.name
    var names: [String: String] = [:]
    var copied: [(from: String, to: String)] = []
    for (port, output) in zip(branch.outputs, node.outputs) where !output.isEmpty {
      if computed.contains(port.name), names[port.name] == nil {
        names[port.name] = output
      } else {
        copied.append((port.name, output))
      }
    }
    func renamed(_ name: String) -> String { names[name] ?? (local.contains(name) ? "\(prefix)::\(name)" : name) }
    var graph = branch.renamed(renamed)
    for (from, to) in copied { graph.nodes.append(.identity(renamed(from), as: to, opset: node.opset)) }
    for output in graph.outputs.map(\.name) where !output.isEmpty {
      guard isDefined(output) || graph.definedNames.contains(output) else {
        throw ONNXFailure("its branch does not compute \(output)")
      }
    }
    try addNodes(of: graph)
    return true
  }

  private func isDefined(_ name: String) -> Bool {
    values[name] != nil || sequences[name] != nil || staging?.awaited.contains(name) ?? false
  }

  // MARK: Loops

  /// What the inputs of a loop's body are in a turn.
  private enum BodyInput {
    /// A constant.
    case constant(ONNXConstant)
    /// What the body gave for its output with this index in the turn before, or the value with this name in the first.
    case carried(String, output: Int)
    /// The element of a tensor at the turn's index along an axis.
    case element(String, axis: Int, isReversed: Bool)
  }

  /// The outputs of a loop's body, one for each output of the node.
  private struct BodyOutput {
    let index: Int
    /// Where the outputs of all turns are put together; `nil` for the last turn's output.
    var stacked: (axis: Int, isReversed: Bool)?
  }

  /// Writes out a loop. Returns `false` if the number of turns is `nil` or results of other stages determine it.
  private func unroll(
    _ node: ONNXNode, _ turns: Int?, inputs: (_ turn: Int) throws(ONNXFailure) -> [BodyInput],
    outputs: (ONNXNode, ONNXGraph) throws(ONNXFailure) -> [BodyOutput]
  ) throws -> Bool {
    guard let body = try node.attributes.graph("body") else { throw ONNXFailure("it has no body") }
    let waits = node.readNames.contains { staging?.awaited.contains($0) ?? false }
    let count = turns.map { clampedProduct($0, max(1, body.nodeCount)) } ?? 0
    guard let turns, clampedSum(unrolledNodeCount, count) <= mostUnrolledNodes
    else {
      if waits { return false }
      throw ONNXFailure(
        turns.map { "its \($0) turns are too many to be written out" }
          ?? "its number of turns is known only when the network runs", waitingFor: .evaluation)
    }
    unrolledNodeCount += count
    let prefix = node.outputs.first { !$0.isEmpty } ?? node.name
    let local = body.definedNames
    var given: [Int: String] = [:]
    var all: [[String]] = []
    for turn in 0..<turns {
      let part = "\(prefix)#\(turn)"
      var names: [String: String] = [:]
      var extra: [ONNXNode] = []
      for (index, input) in try inputs(turn).enumerated() {
        guard index < body.inputs.count else { throw ONNXFailure("its body has \(body.inputs.count) inputs") }
        let name = "\(part).input \(index)"
        switch input {
        case .constant(let constant): define(name, ONNXValue(constant))
        case .carried(let first, let output):
          names[body.inputs[index].name] = given[output] ?? first
          continue
        case .element(let tensor, let axis, let isReversed):
          let place = ONNXConstant(.int64, [], integers: [Int64(isReversed ? turns - 1 - turn : turn)])
          define(name + " index", ONNXValue(place))
          extra.append(
            ONNXNode(
              name: name, kind: "Gather", domain: "", opset: node.opset, inputs: [tensor, name + " index"],
              outputs: [name], attributes: ONNXAttributes(["axis": .int(axis)])))
        }
        names[body.inputs[index].name] = name
      }
      var graph = body.renamed { names[$0] ?? (local.contains($0) ? "\(part)::\($0)" : $0) }
      graph.nodes = extra + graph.nodes
      graph.inputs = []
      try addNodes(of: graph)
      let results = graph.outputs.map(\.name)
      for (index, result) in results.enumerated() {
        guard isDefined(result) else { throw ONNXFailure("its body does not compute \(body.outputs[index].name)") }
        given[index] = result
      }
      all.append(results)
    }
    var graph = ONNXGraph()
    let first = try inputs(0)
    for (output, wanted) in zip(node.outputs, try outputs(node, body)) where !output.isEmpty {
      guard wanted.index < body.outputs.count else { throw ONNXFailure("its body has \(body.outputs.count) outputs") }
      guard let (axis, isReversed) = wanted.stacked else {
        let start = first.compactMap { input in
          if case .carried(let name, wanted.index) = input { name } else { nil }
        }.first
        guard let last = given[wanted.index] ?? start else { throw ONNXFailure("its output \(output) has no value") }
        graph.nodes.append(.identity(last, as: output, opset: node.opset))
        continue
      }
      guard turns > 0 else {
        define(output, ONNXValue(body.outputs[wanted.index].stackOfNone))
        continue
      }
      let parts = all.indices.map { "\(output)#\($0).part" }
      for (turn, part) in parts.enumerated() {
        graph.nodes.append(
          ONNXNode(
            name: part, kind: "Unsqueeze", domain: "", opset: min(node.opset, 11), inputs: [all[turn][wanted.index]],
            outputs: [part], attributes: ONNXAttributes(["axes": .ints([axis])])))
      }
      graph.nodes.append(
        ONNXNode(
          name: output, kind: "Concat", domain: "", opset: node.opset, inputs: isReversed ? parts.reversed() : parts,
          outputs: [output], attributes: ONNXAttributes(["axis": .int(axis)])))
    }
    try addNodes(of: graph)
    return true
  }

  /// The number of turns of a Loop if it is known and no condition ends the loop before.
  private func loopTurns(_ node: ONNXNode) throws -> Int? {
    guard let body = try node.attributes.graph("body") else { return nil }
    let count = node.inputs.first ?? "", condition = node.inputs.count > 1 ? node.inputs[1] : ""
    guard let number = values[count]?.known, number.shape.elementCount == 1 else { return nil }
    if !condition.isEmpty {
      guard let known = values[condition]?.known, known.shape.elementCount == 1 else { return nil }
      if known.integers[0] == 0 { return 0 }
      guard holds(body) else { return nil }
    }
    return max(0, number.ints[0])
  }

  /// Whether the condition that a body returns is always true.
  private func holds(_ body: ONNXGraph) -> Bool {
    guard var name = body.outputs.first?.name else { return false }
    func isTrue(_ constant: ONNXConstant?) -> Bool { constant.map { $0.integers.allSatisfy { $0 != 0 } } ?? false }
    for _ in 0..<16 {
      if body.inputs.count > 1, name == body.inputs[1].name { return true }
      if let constant = body.initializers[name] { return isTrue(constant) }
      guard let node = body.nodes.first(where: { $0.outputs.contains(name) }) else {
        return isTrue(values[name]?.known)
      }
      switch node.kind {
      case "Identity", "Cast": name = node.inputs.first ?? ""
      case "Constant": return isTrue(try? node.attributes.tensor("value"))
      default: return false
      }
    }
    return false
  }

  private func loopInputs(_ node: ONNXNode) -> (Int) throws(ONNXFailure) -> [BodyInput] {
    { turn throws(ONNXFailure) in
      [
        .constant(ONNXConstant(.int64, [], integers: [Int64(turn)])), .constant(ONNXConstant(.bool, [], integers: [1])),
      ] + node.inputs.dropFirst(2).enumerated().map { .carried($1, output: $0 + 1) }
    }
  }

  private func loopOutputs(_ node: ONNXNode, _ body: ONNXGraph) throws(ONNXFailure) -> [BodyOutput] {
    let carried = max(0, node.inputs.count - 2)
    return node.outputs.indices.map { BodyOutput(index: $0 + 1, stacked: $0 < carried ? nil : (0, false)) }
  }

  private func scanTurns(_ node: ONNXNode) throws -> Int? {
    let layout = try ONNXScanLayout(node)
    guard !layout.isBatched else { return nil }
    var extents: Set<Int> = []
    for index in 0..<layout.scanCount {
      let name = node.inputs[layout.stateCount + index]
      if staging?.awaited.contains(name) ?? false { return nil }
      guard let value = values[name] else { throw ONNXFailure("its input \(name) is defined nowhere") }
      extents.insert(value.dimensions[try layout.inputAxis(index, rank: value.rank)])
    }
    guard extents.count == 1 else { throw ONNXFailure("its scanned inputs differ in length") }
    return extents.first
  }

  private func scanInputs(_ node: ONNXNode) -> (Int) throws(ONNXFailure) -> [BodyInput] {
    { _ throws(ONNXFailure) in
      let layout = try ONNXScanLayout(node)
      var inputs: [BodyInput] = (0..<layout.stateCount).map { .carried(node.inputs[$0], output: $0) }
      for index in 0..<layout.scanCount {
        inputs.append(
          .element(
            node.inputs[layout.stateCount + index], axis: layout.inputAxes[index],
            isReversed: layout.inputDirections[index]))
      }
      return inputs
    }
  }

  private func scanOutputs(_ node: ONNXNode, _ body: ONNXGraph) throws(ONNXFailure) -> [BodyOutput] {
    let layout = try ONNXScanLayout(node)
    return node.outputs.indices.map { index in
      let scan = index - layout.stateCount
      return BodyOutput(
        index: index, stacked: scan < 0 ? nil : (layout.outputAxes[scan], layout.outputDirections[scan]))
    }
  }
}

/// The attributes of a Scan node (Scan-9). Scan-8 has a batch axis before the others.
struct ONNXScanLayout {
  let isBatched: Bool
  let stateCount: Int
  let scanCount: Int
  let inputAxes: [Int]
  let inputDirections: [Bool]
  let outputAxes: [Int]
  let outputDirections: [Bool]

  init(_ node: ONNXNode) throws(ONNXFailure) {
    guard let count = try node.attributes.int("num_scan_inputs") else { throw ONNXFailure("it has no num_scan_inputs") }
    isBatched = node.opset < 9
    // Scan-8 has the lengths of the sequences as its first input.
    let inputs = node.inputs.count - (isBatched ? 1 : 0)
    guard count >= 1, count <= inputs else { throw ONNXFailure("it scans \(count) of \(inputs) inputs") }
    (scanCount, stateCount) = (count, inputs - count)
    let outputs = node.outputs.count - stateCount
    guard outputs >= 0 else { throw ONNXFailure("it has \(node.outputs.count) outputs for \(stateCount) states") }
    func list(_ name: String, _ count: Int) throws(ONNXFailure) -> [Int] {
      let given: [Int]? = try node.attributes.ints(name)
      let values = given ?? [Int](repeating: 0, count: count)
      guard values.count >= count else { throw ONNXFailure("its \(name) \(values) are not \(count) numbers") }
      return values
    }
    inputAxes = try list("scan_input_axes", scanCount)
    let directions = try list(isBatched ? "directions" : "scan_input_directions", scanCount)
    inputDirections = directions.map { $0 != 0 }
    outputAxes = try list("scan_output_axes", outputs)
    let outputDirections = try list("scan_output_directions", outputs)
    self.outputDirections = outputDirections.map { $0 != 0 }
  }

  /// Returns the axis of a scanned input as an index from the first axis.
  func inputAxis(_ index: Int, rank: Int) throws(ONNXFailure) -> Int {
    try ONNXNode.axis(inputAxes[index], of: rank)
  }
}

extension ONNXGraph {
  /// The number of nodes, including those in graphs of nodes.
  var nodeCount: Int {
    nodes.reduce(0) { sum, node in
      node.attributes.values.values.reduce(sum + 1) {
        if case .graph(let graph) = $1 { $0 + graph.nodeCount } else { $0 }
      }
    }
  }
}

extension ONNXGraph.Port {
  /// What a loop without turns gives for an output of its body: a tensor without elements.
  var stackOfNone: ONNXConstant {
    let type = type ?? .float
    let extents = (shape ?? []).map { extent -> Int in if case .fixed(let value) = extent { value } else { 0 } }
    return ONNXConstant(type, Tensor(zeros: Shape(validating: [0] + extents) ?? [0], of: type.elementType))
  }
}
