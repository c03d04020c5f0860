import SegEngine

/// Builds an engine graph from a file's graph, for given input shapes.
///
/// Nodes are visited in topological order. A node whose inputs are all constant is evaluated during import. Any other
/// node becomes operators of the engine if a rule accepts it, else a ``HostOperator`` if the evaluator supports it.
final class ONNXImporter {
  /// The builder of the engine graph.
  let builder: GraphBuilder
  /// The tensors that are defined so far, by name.
  private(set) var values: [String: ONNXValue] = [:]
  /// The sequences of tensors that are defined so far, by name.
  var sequences: [String: [ONNXValue]] = [:]
  /// The stage that is imported; `nil` if the whole file becomes one graph.
  let staging: ONNXStaging?
  /// Whether what waits for values of a run is run afterwards.
  var isFollowed: Bool { staging?.isFollowed ?? false }
  /// The number of nodes that were added by writing out loops, loops within loops included.
  var unrolledNodeCount = 0
  private var transposed: [TransposeKey: Value] = [:]
  /// The constants that are not read, with the reason.
  private var unread: [String: String] = [:]
  /// The nodes that read a value, by the value's name.
  private var readers: [String: [ONNXNode]] = [:]

  private struct TransposeKey: Hashable {
    let name: String
    let axes: [Int]
  }

  init(_ builder: GraphBuilder, staging: ONNXStaging? = nil) {
    self.builder = builder
    self.staging = staging
    builder.namesLines = false
  }

  /// Defines a value before nodes are added, such as a graph input.
  func define(_ name: String, _ value: ONNXValue) { values[name] = value }

  /// The supported operator types, with the domain where that is not `ai.onnx`.
  static let supportedOperators: Set<String> =
    Set(rules.keys).union(ONNXEvaluator.functions.keys).union(sequenceOperators)
    .union(["Constant", "If", "Loop", "Scan"])

  /// Returns the nodes whose operators are not supported, including those in branches of `If` nodes.
  static func unsupported(in graph: ONNXGraph) -> [ONNXError.Unsupported] {
    graph.nodes.flatMap { node -> [ONNXError.Unsupported] in
      var found: [ONNXError.Unsupported] = []
      if !supportedOperators.contains(node.operatorName) {
        found.append(.init(node: node.name, operator: node.operatorName, opset: node.opset))
      }
      for case .graph(let branch) in node.attributes.values.values { found += unsupported(in: branch) }
      return found
    }
  }

  /// Adds the nodes of a graph whose inputs are defined.
  ///
  /// - Throws: ``ONNXNodeFailure`` if a node is invalid or not supported.
  func addNodes(of graph: ONNXGraph) throws {
    for (name, constant) in graph.initializers where values[name] == nil { values[name] = ONNXValue(constant) }
    unread.merge(graph.unread) { $1 }
    for node in graph.nodes {
      for input in node.inputs { readers[input, default: []].append(node) }
    }
    var defined = Set(values.keys).union(sequences.keys)
    if let staging { defined.formUnion(staging.awaited) }
    for node in try ONNXImporter.ordered(graph, defined: defined) {
      do {
        try add(node)
      } catch let failure as ONNXFailure {
        if let staging, let wait = failure.wait {
          staging.postpone(node, failure, wait)
          continue
        }
        throw ONNXNodeFailure(node: node, reason: failure.reason)
      }
      if let failure = builder.failure {
        if case .shape(_, let error, _, _) = failure { throw ONNXNodeFailure(node: node, reason: error.reason) }
        throw ONNXNodeFailure(node: node, reason: "\(failure)")
      }
    }
  }

  private func add(_ node: ONNXNode) throws {
    if try replaceControl(node) { return }
    if let staging, node.readNames.contains(where: staging.awaited.contains) { return staging.postpone(node) }
    if try addSequence(node) { return }
    let inputs = try node.inputs.map { name -> ONNXValue? in
      if name.isEmpty { return nil }
      guard let value = values[name] else {
        throw ONNXFailure(unread[name].map { "its input \($0)" } ?? "its input \(name) is defined nowhere")
      }
      return value
    }
    if let reason = ONNXImporter.reasonUnread(node) {
      for name in node.outputs { unread[name] = reason }
      return
    }
    if let staging { try staging.requireEngine(node, inputs) }
    let results = try results(of: node, inputs)
    for (name, value) in zip(node.outputs, results) where !name.isEmpty {
      let value = isFollowed ? value.withoutFlowIfEmpty : value
      guard values.updateValue(value, forKey: name) == nil else { throw ONNXFailure("two values are named \(name)") }
      staging?.producers[name] = node
    }
    for name in node.outputs.dropFirst(results.count) where !name.isEmpty {
      throw ONNXFailure("its output \(name) is not supported")
    }
  }

  /// Returns the outputs of a node that is neither control flow nor about sequences.
  func results(of node: ONNXNode, _ inputs: [ONNXValue?]) throws -> [ONNXValue] {
    if node.kind == "Constant" { return [ONNXValue(try ONNXImporter.constant(node))] }
    let known = inputs.map { $0?.known }
    let isKnown = zip(inputs, known).allSatisfy { $0 == nil || $1 != nil }
    if isKnown, let results = try ONNXEvaluator.results(of: node, known) { return results.map(ONNXValue.init) }
    let step = ONNXStep(importer: self, node: node, inputs: inputs)
    if let results = try step.movedIntegers() { return results }
    if let rule = ONNXImporter.rules[node.operatorName], let results = try rule(step) { return results }
    guard ONNXEvaluator.functions[node.operatorName] != nil else {
      throw ONNXFailure("is not supported for operands of type \(step.types) and these attributes")
    }
    return try step.onHost()
  }

  /// Returns the nodes that read a value.
  func consumers(of name: String) -> [ONNXNode] { readers[name] ?? [] }

  // MARK: Axis order

  /// Returns the value with the given axis order in memory, by default the file's. It is transposed if its memory order
  /// differs.
  func arranged(_ value: ONNXValue, as axes: [Int]? = nil) -> Value {
    let axes = axes ?? Array(0..<value.rank)
    switch value.content {
    case .known(let constant):
      return builder.constant(axes == Array(0..<axes.count) ? constant.tensor : constant.tensor.transposed(axes))
    case .flowing(let flowing, let current):
      // After a shape error the builder returns placeholders, whose rank may differ.
      if current == axes || flowing.shape.rank != axes.count { return flowing }
      let permutation = axes.map { axis in current.firstIndex(of: axis)! }
      // If only axes of extent 1 change places, the transposition is a reshape.
      let extents = flowing.shape.dimensions
      let moving = permutation.filter { extents[$0] != 1 }
      if moving == moving.sorted() {
        return flowing.apply(Reshape(to: .dimensions(permutation.map { extents[$0] })), named: "reshape")
      }
      return flowing.apply(Transpose(permutation), named: "transpose")
    }
  }

  // MARK: Constants, topological order

  /// Returns why the value of a Constant node is not read; `nil` for one that is, and for other nodes.
  private static func reasonUnread(_ node: ONNXNode) -> String? {
    guard node.kind == "Constant", node.domain.isEmpty else { return nil }
    if case .unread(let reason)? = node.attributes.values["value"] { return reason }
    let isText = node.attributes.has("value_string") || node.attributes.has("value_strings")
    return isText ? "\(node.outputs.first ?? node.name) holds text, which is not read" : nil
  }

  /// Returns the value of a Constant node.
  ///
  /// - Throws: ``ONNXFailure`` if the value is sparse or of strings.
  private static func constant(_ node: ONNXNode) throws(ONNXFailure) -> ONNXConstant {
    let attributes = node.attributes
    if let tensor = try attributes.tensor("value") { return tensor }
    if let value = try attributes.float("value_float") { return ONNXConstant(.float, [], floats: [value]) }
    if let values = try attributes.floats("value_floats") {
      return ONNXConstant(.float, [values.count], floats: values)
    }
    if let value = try attributes.int("value_int") { return ONNXConstant(.int64, [], integers: [Int64(value)]) }
    if let values = try attributes.ints("value_ints") {
      return ONNXConstant(.int64, [values.count], integers: values.map { Int64($0) })
    }
    throw ONNXFailure("is a constant without a value that is read")
  }

  /// Returns the nodes of a graph in topological order. ONNX requires files to be sorted so, but some are not.
  private static func ordered(_ graph: ONNXGraph, defined: Set<String>) throws(ONNXFailure) -> [ONNXNode] {
    var producer: [String: Int] = [:]
    for (index, node) in graph.nodes.enumerated() {
      for output in node.outputs where !output.isEmpty {
        guard producer.updateValue(index, forKey: output) == nil, !defined.contains(output) else {
          throw ONNXFailure("two values are named \(output)")
        }
      }
    }
    func dependencies(_ node: ONNXNode) -> [Int] { node.readNames.compactMap { producer[$0] } }
    var ordered: [ONNXNode] = []
    var state = [UInt8](repeating: 0, count: graph.nodes.count)  // 0 not visited, 1 being visited, 2 done
    for start in graph.nodes.indices where state[start] == 0 {
      var stack: [(node: Int, pending: [Int])] = [(start, dependencies(graph.nodes[start]))]
      state[start] = 1
      while let top = stack.last {
        if let next = top.pending.last {
          stack[stack.count - 1].pending.removeLast()
          if state[next] == 1 { throw ONNXFailure("\(graph.nodes[next].name) depends on itself") }
          if state[next] == 0 {
            state[next] = 1
            stack.append((next, dependencies(graph.nodes[next])))
          }
        } else {
          state[top.node] = 2
          ordered.append(graph.nodes[top.node])
          stack.removeLast()
        }
      }
    }
    return ordered
  }
}

extension ONNXNode {
  /// The names of the values that the node reads, also those of the surrounding graph that its graphs read.
  var readNames: [String] {
    var names = inputs
    for case .graph(let graph) in attributes.values.values { names += graph.outerNames }
    return names
  }
}

extension ONNXGraph {
  /// The names of the surrounding graph's values that the nodes and the outputs read.
  var outerNames: Set<String> {
    let own = Set(inputs.map(\.name)).union(initializers.keys).union(unread.keys).union(nodes.flatMap(\.outputs))
    return Set(nodes.flatMap(\.readNames) + outputs.map(\.name)).subtracting(own)
  }
}

/// A node that cannot be imported, with the reason.
struct ONNXNodeFailure: Error {
  let node: ONNXNode
  let reason: String
}
