import SegEngine

/// Converts a graph with its weights to the nodes and initialisers of an ONNX file.
///
/// A value of the graph is held by one tensor or more, which differ in the order of their axes (``ONNXArrangement``). An operator asks for its
/// operands in the order that its node takes, and a Transpose is added where no tensor has it. Inputs and outputs of rank 4 are
/// `[batch, channels, height, width]`, as most nodes take them; the engine's order is asked for by what works on its innermost axis, or by a
/// new shape. A transposition in the graph names axes anew and adds no node.
final class ONNXExporter {
  /// The operator set of files, unless an operator needs a newer one.
  static let opset = 17

  let graph: Graph
  let shapes: ONNXExportShapes
  let opset: Int
  private let parameters: Parameters
  private(set) var nodes: [Onnx_NodeProto] = []
  private(set) var initializers: [(name: String, tensor: Tensor)] = []
  private var arrangements: [Graph.ValueID: [ONNXArrangement]] = [:]
  /// The indices of max poolings, which ONNX counts over the whole tensor.
  private var poolings: [Graph.ValueID: ONNXPoolIndices] = [:]
  private var tensorNames: Set<String>
  private var nodeNames: Set<String>
  private var constants: [SmallConstant: String] = [:]
  /// The first node of the operator that is being written.
  private var stepStart = 0

  /// Converts a graph.
  ///
  /// - Parameter opensBatch: Whether the size of the batch is left open if the graph takes any.
  /// - Throws: ``ONNXExportError``. The failure of an operator that needs a fixed batch is passed on as it is.
  init(_ graph: Graph, parameters: Parameters, opensBatch: Bool) throws {
    self.graph = graph
    self.parameters = parameters
    guard graph.variables.isEmpty else { throw ONNXExportError.variables(names: graph.variables.map(\.name)) }
    shapes = try ONNXExportShapes(graph, opensBatch: opensBatch)
    tensorNames = []
    for name in graph.inputs.map(\.name) + graph.outputs.map(\.name) + graph.parameters.map(\.name) {
      guard tensorNames.insert(name).inserted else { throw ONNXExportError.duplicateName(name) }
    }
    let needed = graph.neededNodes
    nodeNames = Set(needed.map(\.name))
    opset = needed.map { ($0.operator as? any ONNXExporting)?.minimumOpset ?? 0 }.reduce(ONNXExporter.opset, max)
    for port in graph.inputs {
      arrangements[port.value] = [.init(name: port.name, order: AxisOrder.port(shapes[port.value].shape.rank))]
    }
    for node in needed { try export(node) }
    for port in graph.outputs { try setOutput(port) }
  }

  private func export(_ node: Graph.Node) throws {
    let kind = type(of: node.operator).name
    guard let exporting = node.operator as? any ONNXExporting else {
      throw ONNXExportError.node(name: node.name, operator: kind, reason: "the operator has no equivalent")
    }
    stepStart = nodes.count
    do throws(ONNXExportFailure) {
      try exporting.export(ONNXExportStep(exporter: self, node: node))
    } catch {
      if error.needsFixedBatch { throw error }
      throw ONNXExportError.node(name: node.name, operator: kind, reason: error.reason)
    }
  }

  // MARK: Tensors of values

  /// Returns the tensors that hold a value, first the one that was made first.
  func arrangements(of value: Graph.ValueID) -> [ONNXArrangement] {
    if let known = arrangements[value] { return known }
    let made: ONNXArrangement
    let own = AxisOrder.own(shapes[value].shape.rank)
    switch graph[value].source {
    case .parameter(let name):
      guard let tensor = parameters[name] else { preconditionFailure("parameters were checked") }
      initializers.append((name, tensor))
      made = .init(name: name, order: own)
    case .constant(let tensor): made = .init(name: constant(tensor), order: own)
    case .input, .variable, .node:
      guard let indices = poolings[value] else { preconditionFailure("operands are written before operators") }
      made = indices.withinPlanes(self)
    }
    arrangements[value] = [made]
    return [made]
  }

  /// Returns the name of the tensor that holds a value with its axes in an order.
  func tensor(_ value: Graph.ValueID, as order: [Int]) -> String {
    let known = arrangements(of: value)
    if let found = known.first(where: { $0.order == order }) { return found.name }
    let name: String
    if case .constant(let tensor) = graph[value].source {
      name = constant(tensor.transposed(order))
    } else {
      let permutation = order.map { axis in known[0].order.firstIndex(of: axis)! }
      name = add("Transpose", [known[0].name], ["perm": .ints(permutation)], near: known[0].name)[0]
    }
    arrangements[value, default: []].append(.init(name: name, order: order))
    return name
  }

  /// The indices of a max pooling, if the value is one.
  func poolIndices(_ value: Graph.ValueID) -> ONNXPoolIndices? { poolings[value] }

  /// Sets the indices of a max pooling.
  func setResult(_ value: Graph.ValueID, _ indices: ONNXPoolIndices) { poolings[value] = indices }

  /// Sets the tensor that holds a result. If a node of the operator computes it, the node gets the operator's name.
  func setResult(_ value: Graph.ValueID, _ result: ONNXArrangement, of name: String, output: Int) {
    arrangements[value, default: []].append(renamed(result, name, output: output))
  }

  private func renamed(_ result: ONNXArrangement, _ name: String, output: Int) -> ONNXArrangement {
    guard let index = (stepStart..<nodes.count).last(where: { nodes[$0].output.contains(result.name) }) else {
      return result
    }
    nodes[index].name = name
    let wanted = output == 0 ? name : "\(name)/\(output)"
    guard tensorNames.insert(wanted).inserted else { return result }
    rename(result.name, to: wanted, from: stepStart)
    return .init(name: wanted, order: result.order)
  }

  private func rename(_ name: String, to other: String, from start: Int) {
    for index in start..<nodes.count {
      nodes[index].input = nodes[index].input.map { $0 == name ? other : $0 }
      nodes[index].output = nodes[index].output.map { $0 == name ? other : $0 }
    }
  }

  /// Gives the tensor of an output the output's name.
  private func setOutput(_ port: Graph.Port) throws {
    let name = tensor(port.value, as: AxisOrder.port(shapes[port.value].shape.rank))
    let isFree = !graph.outputs.contains { $0.name == name } && nodes.contains { $0.output.contains(name) }
    guard isFree else {
      add("Identity", [name], to: port.name)
      return
    }
    rename(name, to: port.name, from: 0)
    for (value, known) in arrangements {
      arrangements[value] = known.map { $0.name == name ? .init(name: port.name, order: $0.order) : $0 }
    }
  }

  // MARK: Nodes and constants

  /// Adds a node and returns the names of its outputs. Its own name begins with `name`.
  func add(
    _ type: String, _ inputs: [String], _ attributes: ONNXAttributeList = [:],
    outputs: Int = 1, near name: String
  ) -> [String] {
    var node = Onnx_NodeProto()
    node.opType = type
    node.name = ONNXExporter.unique("\(name)/\(type)", among: &nodeNames)
    node.input = inputs
    node.output = (0..<outputs).map {
      ONNXExporter.unique($0 == 0 ? "\(name)/\(type)" : "\(name)/\(type)/\($0)", among: &tensorNames)
    }
    node.attribute = attributes.elements.map { Onnx_AttributeProto($0.name, $0.value) }
    nodes.append(node)
    return node.output
  }

  private func add(_ type: String, _ inputs: [String], to output: String) {
    var node = Onnx_NodeProto()
    node.opType = type
    node.name = ONNXExporter.unique("\(output)/\(type)", among: &nodeNames)
    node.input = inputs
    node.output = [output]
    nodes.append(node)
  }

  /// Returns the name of an initialiser with these elements. Equal constants are one initialiser, unless they are large.
  func constant(_ tensor: Tensor) -> String {
    let key = tensor.count <= 64 ? SmallConstant(tensor) : nil
    if let key, let known = constants[key] { return known }
    let name = ONNXExporter.unique("constant", among: &tensorNames)
    initializers.append((name, tensor))
    if let key { constants[key] = name }
    return name
  }

  private static func unique(_ name: String, among names: inout Set<String>) -> String {
    var unique = name
    var number = 2
    while !names.insert(unique).inserted {
      unique = "\(name)_\(number)"
      number += 1
    }
    return unique
  }
}

/// A constant of few elements, to find equal ones.
private struct SmallConstant: Hashable {
  let spec: TensorSpec
  let bytes: [UInt8]

  init(_ tensor: Tensor) {
    spec = tensor.spec
    bytes = tensor.withUnsafeBytes { Array($0) }
  }
}

extension Graph {
  /// The nodes that outputs depend on, in order.
  fileprivate var neededNodes: [Node] {
    var needed = Set(outputs.map(\.value))
    var result: [Node] = []
    for node in nodes.reversed() where node.outputs.contains(where: needed.contains) {
      needed.formUnion(node.inputs)
      result.append(node)
    }
    return result.reversed()
  }
}
