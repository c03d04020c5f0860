/// A rewrite of a graph whose weights are bound, that leaves its results as they are.
protocol GraphPass: Sendable {
  /// Rewrites the graph.
  func apply(to graph: inout Graph)
}

extension Graph {
  /// How often each value is read, by nodes or as an output, by the value's index.
  var useCounts: [Int] {
    var counts = [Int](repeating: 0, count: values.count)
    for node in nodes { for input in node.inputs { counts[input.index] += 1 } }
    for port in outputs { counts[port.value.index] += 1 }
    return counts
  }

  /// The constants among a node's inputs.
  func constants(of node: Node) -> [Tensor?] {
    node.inputs.map { if case .constant(let tensor) = self[$0].source { tensor } else { nil } }
  }

  /// Lets go of the constants that nobody reads, such as weights of which a rewrite has made others.
  mutating func forgetUnusedConstants() {
    for (index, count) in useCounts.enumerated() where count == 0 { forgetConstant(index) }
  }

  /// Lets go of a constant's numbers; its shape stays known.
  mutating func forgetConstant(_ value: Int) {
    if case .constant = values[value].source { values[value].source = .constant(Tensor(zeros: [0])) }
  }

  /// Adds a constant.
  mutating func addConstant(_ tensor: Tensor) -> ValueID {
    values.append(ValueInfo(source: .constant(tensor), spec: tensor.spec))
    return ValueID(index: values.count - 1)
  }

  /// The one operand of a node that is no constant; `nil` where there are several or none.
  func computedOperand(of node: Node) -> ValueID? {
    let computed = node.inputs.filter { if case .constant = self[$0].source { false } else { true } }
    return computed.count == 1 ? computed[0] : nil
  }

  /// Offers every node whose one computed operand comes from a node and is read by nobody else to `merge`, with that node; where
  /// `merge` gives a replacement for the pair, the producer takes it and the consumer's outputs, and the consumer goes.
  mutating func mergeIntoProducers(_ merge: (inout Graph, _ consumer: Node, _ producer: Node) -> Node?) {
    var producers = producers
    let useCounts = useCounts
    var gone = Set<Int>()
    for index in nodes.indices {
      let consumer = nodes[index]
      guard let operand = computedOperand(of: consumer), let producer = producers[operand.index],
        useCounts[operand.index] == 1, nodes[producer].outputs.count == 1, consumer.outputs.count == 1,
        let merged = merge(&self, consumer, nodes[producer])
      else { continue }
      nodes[producer] = merged
      nodes[producer].outputs = consumer.outputs
      producers[consumer.outputs[0].index] = producer
      gone.insert(index)
    }
    nodes = nodes.enumerated().filter { !gone.contains($0.offset) }.map(\.element)
  }
}

extension Graph {
  /// The node that computes each value, by the value's index.
  var producers: [Int?] {
    var producers = [Int?](repeating: nil, count: values.count)
    for (index, node) in nodes.enumerated() {
      for output in node.outputs { producers[output.index] = index }
    }
    return producers
  }

  /// Shapes and types of a node's inputs.
  func inputSpecs(of node: Node) -> [TensorSpec] { node.inputs.map { self[$0].spec } }

  /// Shapes and types of a node's outputs.
  func outputSpecs(of node: Node) -> [TensorSpec] { node.outputs.map { self[$0].spec } }

  /// Whether a value is one of the graph's results.
  func isOutput(_ value: ValueID) -> Bool { outputs.contains { $0.value == value } }
}
