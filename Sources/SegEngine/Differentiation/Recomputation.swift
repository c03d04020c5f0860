/// Lets the backward pass compute some maps of the forward pass again instead of keeping them (Chen et al. 2016), so that the largest number
/// of bytes alive at a step is below a budget.
///
/// Candidates are the nodes of the forward pass whose outputs backward nodes read. While the peak is above the budget, the candidate that is
/// alive there and frees the most bytes for each second of its computation is dropped from memory.
struct Recomputation {
  private let graph: Graph
  /// The number of nodes of the forward pass, the loss included.
  private let forwardCount: Int
  private let producers: [Int?]
  /// The values that nodes of the backward pass read.
  private let readByBackward: Set<Graph.ValueID>

  /// - Parameter forwardCount: The number of nodes before those of the gradients.
  init(_ graph: Graph, forwardCount: Int) {
    self.graph = graph
    self.forwardCount = forwardCount
    var producers = [Int?](repeating: nil, count: graph.values.count)
    for (index, node) in graph.nodes.enumerated() { for output in node.outputs { producers[output.index] = index } }
    self.producers = producers
    readByBackward = Set(graph.nodes[forwardCount...].flatMap(\.inputs))
  }

  /// Returns the graph whose peak is below the budget, or the one with the smallest peak that was found.
  func graph(budget: Int) -> Graph {
    var chosen: Set<Int> = []
    var (best, bestPeak) = (graph, Int.max)
    var current = graph
    while true {
      let (peak, alive) = Recomputation.peak(of: current)
      if peak < bestPeak { (best, bestPeak) = (current, peak) }
      guard peak > budget, let next = candidate(alive: alive, chosen) else { return best }
      chosen.insert(next)
      current = recomputing(chosen)
    }
  }

  /// Returns the forward node to compute again: of those whose output is alive at the peak, the one that frees the most bytes for each second.
  private func candidate(alive: Set<Int>, _ chosen: Set<Int>) -> Int? {
    var best: (node: Int, gain: Double)?
    for index in 0..<forwardCount where !chosen.contains(index) {
      let node = graph.nodes[index]
      guard node.outputs.contains(where: { alive.contains($0.index) }), isRepeatable(node) else { continue }
      // The output is read by the backward pass; otherwise it is alive for the forward pass itself.
      guard node.outputs.contains(where: readByBackward.contains) else { continue }
      let bytes = node.outputs.reduce(0) { $0 + graph[$1].spec.byteCount }
      // What the node reads must stay alive, or be computed again too.
      let kept = node.inputs.reduce(0) { sum, input in
        isComputed(input, chosen) && !alive.contains(input.index) ? sum + graph[input].spec.byteCount : sum
      }
      guard bytes > kept else { continue }
      let gain = Double(bytes - kept) / max(seconds(of: node), 1e-9)
      if gain > best?.gain ?? 0 { best = (index, gain) }
    }
    return best?.node
  }

  /// Estimates the seconds of a node. Only the order of the nodes counts: memory traffic at 10 GB/s, products at 100 GFLOP/s.
  private func seconds(of node: Graph.Node) -> Double {
    let (inputs, outputs) = (node.inputs.map { graph[$0].spec }, node.outputs.map { graph[$0].spec })
    let cost = node.operator.cost(inputs: inputs, outputs: outputs)
    let bytes = (inputs + outputs).reduce(0) { $0 + $1.byteCount }
    return Double(bytes) / 10e9 + Double(cost.macs) / 50e9 + Double(cost.otherOperations) / 10e9
  }

  /// Whether a value is computed by a node that is not computed again.
  private func isComputed(_ value: Graph.ValueID, _ chosen: Set<Int>) -> Bool {
    producers[value.index].map { !chosen.contains($0) } ?? false
  }

  /// Whether a node gives the same when it runs again.
  private func isRepeatable(_ node: Graph.Node) -> Bool {
    node.operator.forwardedInput(
      inputs: node.inputs.map { graph[$0].spec }, outputs: node.outputs.map { graph[$0].spec }) == nil
  }

  /// Returns the graph in which the backward pass computes the outputs of some forward nodes again, each right before its first reader.
  private func recomputing(_ chosen: Set<Int>) -> Graph {
    var result = graph
    result.nodes = Array(graph.nodes[..<forwardCount])
    var copies: [Int: Graph.ValueID] = [:]
    /// Returns the value that a backward node reads for another, after adding the nodes that compute it.
    func copy(_ value: Graph.ValueID) -> Graph.ValueID {
      if let copy = copies[value.index] { return copy }
      guard let producer = producers[value.index], producer < forwardCount else { return value }
      let node = graph.nodes[producer]
      // An alias of a value that is computed again is one of its copy.
      let isAlias = !isRepeatable(node) && node.inputs.contains { copies[$0.index] != nil || isChosen($0) }
      guard chosen.contains(producer) || isAlias else { return value }
      let inputs = node.inputs.map(copy)
      let outputs = node.outputs.map { output in
        result.values.append(.init(source: .node, spec: graph[output].spec))
        return Graph.ValueID(index: result.values.count - 1)
      }
      for (old, new) in zip(node.outputs, outputs) { copies[old.index] = new }
      result.nodes.append(
        Graph.Node(
          name: "\(node.name).again", operator: node.operator, inputs: inputs, outputs: outputs,
          location: node.location))
      return copies[value.index]!
    }
    func isChosen(_ value: Graph.ValueID) -> Bool {
      guard let producer = producers[value.index], producer < forwardCount else { return false }
      if chosen.contains(producer) { return true }
      let node = graph.nodes[producer]
      return !isRepeatable(node) && node.inputs.contains(where: isChosen)
    }
    for node in graph.nodes[forwardCount...] {
      var changed = node
      changed.inputs = node.inputs.map(copy)
      result.nodes.append(changed)
    }
    return result
  }

  /// Computes the largest number of bytes of computed values that are alive at a step, and the values that are.
  ///
  /// Aliases and parts share memory with the value that they are made of.
  private static func peak(of graph: Graph) -> (byteCount: Int, alive: Set<Int>) {
    let sharing = MemorySharing(graph, graph.values.map(\.spec), placesParts: true)
    var first: [Int: Int] = [:]
    var last: [Int: Int] = [:]
    var members: [Int: Set<Int>] = [:]
    for (step, node) in graph.nodes.enumerated() {
      for value in node.inputs + node.outputs {
        let owner = sharing.places[value.index].owner
        guard case .node = graph.values[owner].source else { continue }
        first[owner] = first[owner] ?? step
        last[owner] = step
        members[owner, default: []].insert(value.index)
      }
    }
    var changes = [Int](repeating: 0, count: graph.nodes.count + 1)
    for (owner, step) in first {
      let bytes = graph.values[owner].spec.byteCount
      changes[step] += bytes
      changes[last[owner]! + 1] -= bytes
    }
    var (alive, most, place) = (0, 0, 0)
    for step in graph.nodes.indices {
      alive += changes[step]
      if alive > most { (most, place) = (alive, step) }
    }
    let owners = first.keys.filter { first[$0]! < place && last[$0]! > place }
    return (most, Set(owners.flatMap { members[$0]! }))
  }
}

extension Graph {
  /// Returns the graph whose backward pass computes as many maps again as a budget of bytes asks for.
  ///
  /// - Parameters:
  ///   - budget: The most bytes of computed values at a step.
  ///   - forwardCount: The number of nodes before those of the gradients.
  package func recomputing(budget: Int, forwardCount: Int) -> Graph {
    Recomputation(self, forwardCount: forwardCount).graph(budget: budget)
  }
}
