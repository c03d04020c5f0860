/// Changes a graph and keeps its order, its uses and its shapes consistent.
///
/// A rewrite matches a pattern, inserts nodes whose shapes are inferred, and replaces the nodes that it matched. The editor does the
/// bookkeeping: it knows who computes and who reads each value, removes nodes of which no output is used, and releases constants that
/// nothing reads.
package struct GraphEditor {
  /// The graph without its nodes, which are in `slots`.
  private var graph: Graph
  /// The nodes by identity; `nil` where a node was removed.
  private var slots: [Graph.Node?]
  /// The nodes in the order in which they run, removed ones included.
  private var order: [Graph.NodeID]
  private var producers: [Graph.NodeID?]
  /// The nodes that read each value, once for each operand.
  private var readers: [[Graph.NodeID]]
  /// How often each value is an output of the graph or the new value of a variable.
  private var resultCounts: [Int]

  /// What has been changed, where changes are recorded.
  package private(set) var changes: [GraphChange] = []
  private let recordsChanges: Bool
  private var rewrite = ""

  /// Begins to edit a graph, whose specs are those of the shapes that are compiled for.
  package init(_ graph: consuming Graph, recordingChanges recordsChanges: Bool = false) {
    let count = graph.values.count
    slots = graph.nodes
    graph.nodes = []
    order = slots.indices.map(Graph.NodeID.init)
    producers = Array(repeating: nil, count: count)
    readers = Array(repeating: [], count: count)
    resultCounts = Array(repeating: 0, count: count)
    for value in graph.resultValues { resultCounts[value.index] += 1 }
    self.graph = graph
    self.recordsChanges = recordsChanges
    for id in order {
      for output in self[id].outputs { producers[output.index] = id }
      for input in self[id].inputs { readers[input.index].append(id) }
    }
  }

  /// The edited graph.
  package consuming func finish() -> Graph {
    var result = graph
    result.nodes = order.compactMap { slots[$0.index] }
    for index in result.values.indices where useCount(of: .init(index: index)) == 0 { result.forgetConstant(index) }
    return result
  }

  /// Applies a rewrite.
  package mutating func apply(_ rewrite: any GraphRewrite) {
    self.rewrite = "\(type(of: rewrite))"
    rewrite.apply(to: &self)
  }
}

// MARK: - Reading

extension GraphEditor {
  /// The nodes in the order in which they run.
  package var nodes: [Graph.NodeID] { order.filter(contains) }

  /// Whether a node is still part of the graph.
  package func contains(_ node: Graph.NodeID) -> Bool { slots[node.index] != nil }

  /// A node.
  ///
  /// - Precondition: it has not been removed.
  package subscript(node: Graph.NodeID) -> Graph.Node {
    guard let node = slots[node.index] else { preconditionFailure("a node that was removed is read") }
    return node
  }

  /// Shape and type of a value.
  package func spec(of value: Graph.ValueID) -> TensorSpec { graph[value].spec }

  /// Shapes and types of a node's inputs.
  package func inputSpecs(of node: Graph.NodeID) -> [TensorSpec] { self[node].inputs.map(spec) }

  /// Shapes and types of a node's outputs.
  package func outputSpecs(of node: Graph.NodeID) -> [TensorSpec] { self[node].outputs.map(spec) }

  /// The tensor of a value that is a constant.
  package func constant(_ value: Graph.ValueID) -> Tensor? {
    if case .constant(let tensor) = graph[value].source { tensor } else { nil }
  }

  /// The tensors of those inputs of a node that are constants.
  package func constants(of node: Graph.NodeID) -> [Tensor?] { self[node].inputs.map(constant) }

  /// The node that computes a value.
  package func producer(of value: Graph.ValueID) -> Graph.NodeID? { producers[value.index] }

  /// The node that computes a value which has one use.
  package func soleProducer(of value: Graph.ValueID) -> Graph.NodeID? {
    useCount(of: value) == 1 ? producer(of: value) : nil
  }

  /// The nodes that read a value, once for each operand.
  package func readers(of value: Graph.ValueID) -> [Graph.NodeID] { readers[value.index] }

  /// How often a value is used: by nodes, as an output of the graph, as the new value of a variable.
  package func useCount(of value: Graph.ValueID) -> Int { readers[value.index].count + resultCounts[value.index] }

  /// Whether a value is an output of the graph or the new value of a variable.
  package func isResult(_ value: Graph.ValueID) -> Bool { resultCounts[value.index] > 0 }

  /// Whether one node runs before another.
  package func isBefore(_ a: Graph.NodeID, _ b: Graph.NodeID) -> Bool { position(of: a) < position(of: b) }

  private func position(of node: Graph.NodeID) -> Int {
    guard let position = order.firstIndex(of: node) else { preconditionFailure("a node of another graph") }
    return position
  }
}

// MARK: - Changing

extension GraphEditor {
  /// Adds a constant.
  package mutating func addConstant(_ tensor: Tensor) -> Graph.ValueID {
    addValue(.constant(tensor), tensor.spec)
  }

  /// Makes a value an output of the graph under a name.
  ///
  /// - Precondition: no other output has the name.
  package mutating func tap(_ value: Graph.ValueID, as name: String) {
    precondition(!graph.outputs.contains { $0.name == name }, "two outputs are named \(name)")
    graph.outputs.append(.init(name: name, value: value))
    resultCounts[value.index] += 1
    record(name, "", "output")
  }

  /// Adds a node before another and gives its outputs, whose shapes and types are inferred.
  ///
  /// - Parameter folded: The nodes whose constants are part of this one's weights.
  /// - Precondition: the operator takes the inputs.
  package mutating func insert(
    _ operator: any Operator, named name: String, on inputs: [Graph.ValueID], before place: Graph.NodeID,
    folding folded: [String] = []
  ) -> [Graph.ValueID] {
    let outputs = inferred(`operator`, named: name, inputs).map { addValue(.node, $0) }
    let id = Graph.NodeID(index: slots.count)
    slots.append(nil)
    order.insert(id, at: position(of: place))
    put(Graph.Node(name: name, operator: `operator`, inputs: inputs, outputs: outputs, foldedNames: folded), at: id)
    return outputs
  }

  /// Lets a node compute its outputs by another operator, of the same or of other inputs.
  ///
  /// - Parameters:
  ///   - inputs: The new operator's inputs; `nil` for the same.
  ///   - namesake: A node whose name the node takes, because the weights are that node's; `nil` to keep the name.
  ///   - folded: Further nodes whose constants are part of the node's weights.
  /// - Precondition: the new operator's outputs have the shapes and types of the node's.
  package mutating func replace(
    _ node: Graph.NodeID, by operator: any Operator, on inputs: [Graph.ValueID]? = nil,
    namedLike namesake: Graph.NodeID? = nil, folding folded: [String] = []
  ) {
    var new = self[node]
    if let namesake { new.takeName(of: self[namesake]) }
    new.operator = `operator`
    new.inputs = inputs ?? new.inputs
    new.foldedNames += folded
    put(new, at: node)
  }

  /// Lets a node compute what another computes of it, and removes that one.
  ///
  /// The node keeps its place and its name.
  ///
  /// - Parameters:
  ///   - keepsOutputs: Whether the node goes on computing its own outputs, before the consumer's.
  ///   - folded: Further nodes whose constants are part of the node's weights.
  /// - Precondition: the operator computes the outputs in that order; the node's own outputs have no other use unless they are kept.
  package mutating func merge(
    _ consumer: Graph.NodeID, into node: Graph.NodeID, as operator: any Operator, on inputs: [Graph.ValueID]? = nil,
    keepingOutputs keepsOutputs: Bool = false, folding folded: [String] = []
  ) {
    var new = self[node]
    let gone = self[consumer]
    new.operator = `operator`
    new.inputs = inputs ?? new.inputs
    new.outputs = (keepsOutputs ? new.outputs : []) + gone.outputs
    new.foldedNames += folded
    put(new, at: node)
    slots[consumer.index] = nil
    record(gone.name, gone.operator.title, "")
    for input in gone.inputs { drop(input, readBy: consumer) }
  }

  /// Lets everything that uses a value use another of the same shape and type.
  package mutating func redirect(_ value: Graph.ValueID, to other: Graph.ValueID) {
    precondition(spec(of: value) == spec(of: other), "a value \(spec(of: value)) is replaced by \(spec(of: other))")
    for reader in Set(readers(of: value)) {
      var node = self[reader]
      node.inputs = node.inputs.map { $0 == value ? other : $0 }
      put(node, at: reader)
    }
    guard isResult(value) else { return }
    graph.redirectResults(from: value, to: other)
    resultCounts[other.index] += resultCounts[value.index]
    resultCounts[value.index] = 0
    removeIfUnused(value)
  }

  /// Removes the nodes of which no output is used.
  package mutating func removeUnusedNodes() {
    for id in order.reversed() where contains(id) { for output in self[id].outputs { removeIfUnused(output) } }
  }

  private mutating func addValue(_ source: Graph.Source, _ spec: TensorSpec) -> Graph.ValueID {
    graph.values.append(.init(source: source, spec: spec))
    producers.append(nil)
    readers.append([])
    resultCounts.append(0)
    return Graph.ValueID(index: graph.values.count - 1)
  }

  private func inferred(_ operator: any Operator, named name: String, _ inputs: [Graph.ValueID]) -> [TensorSpec] {
    do throws(ShapeError) {
      return try `operator`.outputs(for: inputs.map(spec))
    } catch {
      preconditionFailure("\(rewrite) makes an operator that does not take its inputs: \(name): \(error)")
    }
  }

  /// Puts a node in a slot: first its uses are counted, then those of the node that was there are dropped.
  private mutating func put(_ node: Graph.Node, at id: Graph.NodeID) {
    let specs = inferred(node.operator, named: node.name, node.inputs)
    precondition(
      specs == node.outputs.map(spec),
      "\(rewrite) changes the outputs of \(node.name) from \(node.outputs.map(spec)) to \(specs)")
    let old = slots[id.index]
    for input in node.inputs { readers[input.index].append(id) }
    slots[id.index] = node
    for output in old?.outputs ?? [] { producers[output.index] = nil }
    for output in node.outputs { producers[output.index] = id }
    for input in old?.inputs ?? [] { drop(input, readBy: id) }
    record(node.name, old?.operator.title ?? "", node.operator.title)
  }

  private mutating func drop(_ value: Graph.ValueID, readBy reader: Graph.NodeID) {
    if let use = readers[value.index].firstIndex(of: reader) { readers[value.index].remove(at: use) }
    removeIfUnused(value)
  }

  /// Releases a constant that has no use; removes the node that computes a value where none of its outputs has one.
  private mutating func removeIfUnused(_ value: Graph.ValueID) {
    guard useCount(of: value) == 0 else { return }
    graph.forgetConstant(value.index)
    guard let producer = producer(of: value), self[producer].outputs.allSatisfy({ useCount(of: $0) == 0 }) else {
      return
    }
    let node = self[producer]
    slots[producer.index] = nil
    for output in node.outputs { producers[output.index] = nil }
    record(node.name, node.operator.title, "")
    for input in node.inputs { drop(input, readBy: producer) }
  }

  private mutating func record(_ node: String, _ before: String, _ after: String) {
    guard recordsChanges, before != after else { return }
    changes.append(GraphChange(rewrite: rewrite, node: node, before: before, after: after))
  }
}
