/// What a graph costs layer by layer, block by block and in all, by a stated rule of counting.
public struct GraphAnalysis: Sendable {
  /// What counts as an operation.
  public enum CountingRule: String, Hashable, Sendable, CaseIterable {
    /// torchvision's: one a multiplication of convolutions, linear layers and matrix products, padding included; a transposed
    /// convolution on its input's size. No bias, normalisation, activation, pooling or resizing. Published as "GFLOPS" or "GMACs".
    case torchvision
    /// That of PyTorch's `torch.utils.flop_counter`: two a multiply–add of the same products.
    case pytorch
    /// That of fvcore's `FlopCountAnalysis`: one a multiply–add, and some for normalisation, average pooling to a grid and resizing.
    case fvcore
    /// Everything: two a multiply–add, and each other arithmetic operation, comparison or elementary function; see ``Cost``.
    case full
  }

  /// One layer, or the layers of one block together.
  public struct Entry: Sendable {
    /// The node's name, or the block's: what the names of its nodes begin with.
    public let name: String
    /// The operator's name; for a block the number of its operators.
    public let operation: String
    /// By ``Cost``'s conventions.
    public let cost: Cost
    /// Bytes of the outputs: what training would keep.
    public let activationByteCount: Int
    /// What fvcore counts besides multiply–adds.
    let fvcoreOperations: Int

    /// Operations by a rule.
    public func operations(_ rule: CountingRule) -> Int {
      switch rule {
      case .torchvision: cost.macs
      case .pytorch: 2 * cost.macs
      case .fvcore: cost.macs + fvcoreOperations
      case .full: cost.flops
      }
    }
  }

  /// The operators in the order in which they run.
  public let layers: [Entry]
  /// All of them together.
  public let total: Entry
  /// The most bytes of activations that are alive at once when operators run in order, each output in memory of its own until its last
  /// reader has run: what a run needs without sharing memory between input and output. Inputs and outputs of the graph included,
  /// weights left out.
  public let peakActivationByteCount: Int

  /// Analyses a graph; an input that is not named has the shape it was built with.
  ///
  /// - Throws: ``GraphError`` where the architecture cannot take the shapes.
  public init(_ graph: Graph, inputs shapes: [String: Shape] = [:]) throws(GraphError) {
    let specs = try graph.specs(forInputs: shapes)
    layers = zip(graph.nodes, try GraphSummary(graph, inputs: shapes).layers).map { node, layer in
      Entry(
        name: layer.name, operation: layer.operation, cost: layer.cost,
        activationByteCount: layer.outputs.reduce(0) { $0 + $1.byteCount },
        fvcoreOperations: FvcoreCount.operations(
          besidesProductsOf: node.operator, inputs: node.inputs.map { specs[$0.index] }, outputs: layer.outputs))
    }
    total = GraphAnalysis.sum(layers, name: graph.name)
    peakActivationByteCount = GraphAnalysis.peak(graph, specs)
  }

  /// The layers by the first `depth` parts of their names (`backbone.layer1.0` for 3), in the order in which blocks first appear. Names of
  /// repeated nodes (`relu#2`) count as that without the number.
  public func blocks(depth: Int) -> [Entry] {
    var names: [String] = []
    var members: [String: [Entry]] = [:]
    for layer in layers {
      let parts = layer.name.split(separator: ".").prefix(max(1, depth))
      let name = parts.map { $0.prefix { $0 != "#" } }.joined(separator: ".")
      if members[name] == nil { names.append(name) }
      members[name, default: []].append(layer)
    }
    return names.map { GraphAnalysis.sum(members[$0] ?? [], name: $0) }
  }

  private static func sum(_ layers: [Entry], name: String) -> Entry {
    Entry(
      name: name, operation: layers.count == 1 ? layers[0].operation : "\(layers.count) operators",
      cost: layers.reduce(Cost()) { $0 + $1.cost },
      activationByteCount: layers.reduce(0) { $0 + $1.activationByteCount },
      fvcoreOperations: layers.reduce(0) { $0 + $1.fvcoreOperations })
  }

  private static func peak(_ graph: Graph, _ specs: [TensorSpec]) -> Int {
    var lastUse = [Int](repeating: -1, count: specs.count)
    for (step, node) in graph.nodes.enumerated() {
      for value in node.inputs + node.outputs { lastUse[value.index] = step }
    }
    for port in graph.outputs { lastUse[port.value.index] = graph.nodes.count }
    func isActivation(_ index: Int) -> Bool {
      switch graph.values[index].source {
      case .input, .variable, .node: true
      case .parameter, .constant: false
      }
    }
    var alive = graph.inputs.reduce(0) { $0 + specs[$1.value.index].byteCount }
    var peak = alive
    for (step, node) in graph.nodes.enumerated() {
      alive += node.outputs.reduce(0) { $0 + specs[$1.index].byteCount }
      peak = max(peak, alive)
      for index in Set((node.inputs + node.outputs).map(\.index)) where lastUse[index] == step && isActivation(index) {
        alive -= specs[index].byteCount
      }
    }
    return peak
  }
}
