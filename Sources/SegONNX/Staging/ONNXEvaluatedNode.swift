import SegEngine

/// A node that is evaluated between two stages.
struct ONNXEvaluatedNode: Sendable {
  let node: ONNXNode
  /// The names of all values that it reads, those in its graphs included.
  let readNames: Set<String>
  private let path: String
  private let loop: ONNXLoop?

  /// Creates a node.
  ///
  /// - Parameters:
  ///   - known: The values that are constant, by name.
  init(_ node: ONNXNode, known: [String: ONNXConstant], _ context: ONNXStage.Context) throws(ONNXError) {
    self.node = node
    path = context.path
    readNames = Set(node.readNames)
    do throws(ONNXFailure) {
      loop = ["Loop", "Scan"].contains(node.kind) ? try ONNXLoop(node, known: known, context) : nil
    } catch {
      throw ONNXError(context.path, .node(name: node.name, operator: node.kind, reason: error.reason))
    }
  }

  /// Returns the node's outputs by name.
  func run(_ values: [String: ONNXRunValue]) throws -> [String: ONNXRunValue] {
    do {
      let results: [ONNXRunValue]
      if let loop {
        results = try loop.run(values)
      } else {
        let operands = try node.inputs.map { name throws(ONNXFailure) -> ONNXConstant? in
          name.isEmpty ? nil : try values.tensor(name)
        }
        results = try ONNXEvaluator.evaluate(node, operands).map(ONNXRunValue.tensor)
      }
      guard results.count >= (node.outputs.lastIndex { !$0.isEmpty } ?? -1) + 1 else {
        throw ONNXFailure("it gives \(results.count) of \(node.outputs.count) outputs")
      }
      return Dictionary(
        zip(node.outputs, results).filter { !$0.0.isEmpty }, uniquingKeysWith: { first, _ in first })
    } catch let failure as ONNXFailure {
      throw ONNXError(path, .node(name: node.name, operator: node.kind, reason: failure.reason))
    }
  }
}

/// A Loop or Scan node that is run turn by turn. Its body is a network of its own, which is compiled as others are.
struct ONNXLoop: Sendable {
  private let node: ONNXNode
  private let body: ONNXGraph
  private let stage: ONNXStage
  /// The names of the surrounding graph's values that the body reads.
  private let captured: [String]

  init(_ node: ONNXNode, known: [String: ONNXConstant], _ context: ONNXStage.Context) throws(ONNXFailure) {
    guard let body = try node.attributes.graph("body") else { throw ONNXFailure("it has no body") }
    self.node = node
    self.body = body
    let outer = body.outerNames
    captured = outer.filter { known[$0] == nil && !$0.isEmpty }
    let constants = known.filter { outer.contains($0.key) }
    var context = context
    context.unread.merge(body.unread) { $1 }
    stage = ONNXStage(
      context, nodes: body.nodes, constants: constants.merging(body.initializers) { $1 },
      outputs: body.outputs.map(\.name))
  }

  func run(_ values: [String: ONNXRunValue]) throws -> [ONNXRunValue] {
    node.kind == "Loop" ? try runLoop(values) : try runScan(values)
  }

  /// Runs the body once and returns its outputs in order.
  private func turn(
    _ inputs: [ONNXRunValue], _ values: [String: ONNXRunValue]
  ) throws -> [ONNXRunValue] {
    guard inputs.count == body.inputs.count else {
      throw ONNXFailure("its body has \(body.inputs.count) inputs, not \(inputs.count)")
    }
    var given: [String: ONNXRunValue] = [:]
    for name in captured { given[name] = values[name] }
    for (port, input) in zip(body.inputs, inputs) { given[port.name] = input }
    let results = try stage.run(given)
    return try body.outputs.map { port in
      guard let result = results[port.name] else { throw ONNXFailure("its body does not compute \(port.name)") }
      return result
    }
  }

  private static func truth(_ value: ONNXRunValue) throws(ONNXFailure) -> Bool {
    guard let tensor = value.tensor, tensor.shape.elementCount == 1 else {
      throw ONNXFailure("its condition is no scalar")
    }
    return tensor.integers[0] != 0
  }

  /// Returns a scalar in the shape that the body declares for it.
  private func scalar(_ number: Int64, _ type: ONNXElement, for input: Int) -> ONNXRunValue {
    let rank = input < body.inputs.count ? body.inputs[input].shape?.count ?? 0 : 0
    return .tensor(ONNXConstant(type, Shape([Int](repeating: 1, count: rank)), integers: [number]))
  }

  /// Computes Loop-23.
  private func runLoop(_ values: [String: ONNXRunValue]) throws -> [ONNXRunValue] {
    var most: Int?
    if let name = node.inputs.first, !name.isEmpty {
      let count = try values.tensor(name)
      guard count.shape.elementCount == 1 else { throw ONNXFailure("its number of turns is no scalar") }
      most = count.ints[0]
    }
    var continues = true
    let hasCondition = node.inputs.count > 1 && !node.inputs[1].isEmpty
    if hasCondition { continues = try ONNXLoop.truth(.tensor(try values.tensor(node.inputs[1]))) }
    var carried = try node.inputs.dropFirst(2).map { name throws(ONNXFailure) -> ONNXRunValue in
      guard let value = values[name] else { throw ONNXFailure("its input \(name) is missing") }
      return value
    }
    guard body.outputs.count > carried.count else { throw ONNXFailure("its body has \(body.outputs.count) outputs") }
    var stacked = [[ONNXConstant]](repeating: [], count: body.outputs.count - 1 - carried.count)
    var count = 0
    while continues, most.map({ count < $0 }) ?? true {
      let results = try turn(
        [scalar(Int64(count), .int64, for: 0), scalar(1, .bool, for: 1)] + carried, values)
      // Without a condition among the inputs, only the number of turns ends the loop.
      continues = !hasCondition && most != nil ? true : try ONNXLoop.truth(results[0])
      carried = Array(results[1...carried.count])
      for index in stacked.indices {
        guard let tensor = results[1 + carried.count + index].tensor else { throw ONNXFailure("it stacks a sequence") }
        stacked[index].append(tensor)
      }
      count += 1
    }
    let outputs = body.outputs[(1 + carried.count)...]
    return carried
      + (try zip(stacked, outputs).map { parts, port in .tensor(try ONNXLoop.stack(parts, along: 0, or: port)) })
  }

  /// Computes Scan-9, and Scan-8 without lengths.
  private func runScan(_ values: [String: ONNXRunValue]) throws -> [ONNXRunValue] {
    let layout = try ONNXScanLayout(node)
    let inputs = try node.inputs.dropFirst(layout.isBatched ? 1 : 0).map { name throws(ONNXFailure) in
      try values.tensor(name)
    }
    let states = Array(inputs[..<layout.stateCount]), scans = Array(inputs[layout.stateCount...])
    guard layout.isBatched else {
      return try scan(layout, states, scans, values).map(ONNXRunValue.tensor)
    }
    guard node.inputs[0].isEmpty else { throw ONNXFailure("its sequences have lengths, which is not supported") }
    guard let batch = inputs.first?.shape.dimensions.first, inputs.allSatisfy({ $0.shape.dimensions.first == batch })
    else {
      throw ONNXFailure("its inputs differ in their batch")
    }
    let all = try (0..<batch).map { index in
      try scan(
        layout, states.map { try ONNXLoop.element(index, of: $0, along: 0) },
        scans.map { try ONNXLoop.element(index, of: $0, along: 0) }, values)
    }
    return try body.outputs.indices.map { output in
      .tensor(try ONNXLoop.stack(all.map { $0[output] }, along: 0, or: body.outputs[output]))
    }
  }

  private func scan(
    _ layout: ONNXScanLayout, _ initial: [ONNXConstant], _ scans: [ONNXConstant], _ values: [String: ONNXRunValue]
  ) throws -> [ONNXConstant] {
    let axes = try scans.enumerated().map { index, scan throws(ONNXFailure) in
      try layout.inputAxis(index, rank: scan.shape.rank)
    }
    let extents = Set(zip(scans, axes).map { $0.shape[$1] })
    guard let turns = extents.first, extents.count == 1 else {
      throw ONNXFailure("its scanned inputs differ in length")
    }
    guard body.outputs.count >= initial.count, layout.outputAxes.count >= body.outputs.count - initial.count else {
      throw ONNXFailure("its body has \(body.outputs.count) outputs")
    }
    var states = initial
    var stacked = [[ONNXConstant]](repeating: [], count: body.outputs.count - initial.count)
    for index in 0..<turns {
      let elements = try scans.indices.map { scan in
        try ONNXLoop.element(
          layout.inputDirections[scan] ? turns - 1 - index : index, of: scans[scan], along: axes[scan])
      }
      let results = try turn((states + elements).map(ONNXRunValue.tensor), values).map { result throws(ONNXFailure) in
        guard let tensor = result.tensor else { throw ONNXFailure("it gives a sequence") }
        return tensor
      }
      states = Array(results[..<initial.count])
      for output in stacked.indices { stacked[output].append(results[initial.count + output]) }
    }
    return states
      + (try stacked.enumerated().map { output, parts in
        try ONNXLoop.stack(
          layout.outputDirections[output] ? parts.reversed() : parts, along: layout.outputAxes[output],
          or: body.outputs[initial.count + output])
      })
  }

  /// Returns the element at an index of an axis, without the axis.
  private static func element(_ index: Int, of value: ONNXConstant, along axis: Int) throws(ONNXFailure) -> ONNXConstant
  {
    guard axis < value.shape.rank, index < value.shape[axis] else { throw ONNXFailure("it scans \(value.shape)") }
    let strides = value.shape.strides
    let part = value.shape.replacing(axis: axis, with: 1)
    let gathered = value.gathered(part, Offsets.table(part, strides: strides, from: index * strides[axis]))
    return gathered.reshaped(Shape(part.dimensions.indices.filter { $0 != axis }.map { part[$0] }))
  }

  /// Returns tensors of equal shape put together along a new axis. Without tensors it is what the body declares, with
  /// extent 0.
  private static func stack(
    _ parts: [ONNXConstant], along given: Int, or port: ONNXGraph.Port
  ) throws(ONNXFailure) -> ONNXConstant {
    guard let first = parts.first else { return port.stackOfNone }
    let rank = first.shape.rank + 1
    let axis = given < 0 ? given + rank : given
    guard (0..<rank).contains(axis), parts.allSatisfy({ $0.type == first.type && $0.shape == first.shape }) else {
      throw ONNXFailure("the results of its turns, \(parts.map(\.shape)), cannot be put together along axis \(given)")
    }
    var extents = first.shape.dimensions
    extents.insert(1, at: axis)
    let node = ONNXNode(
      name: "stack", kind: "Concat", domain: "", opset: 13, inputs: [], outputs: [],
      attributes: ONNXAttributes(["axis": .int(axis)]))
    return try ONNXEvaluator.evaluate(node, parts.map { $0.reshaped(Shape(extents)) })[0]
  }
}
