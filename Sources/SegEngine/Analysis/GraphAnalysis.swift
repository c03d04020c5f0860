/// The cost of a graph per layer, per block and in total, by a given counting rule.
public struct GraphAnalysis: Sendable {
  /// The operations that are counted.
  public enum CountingRule: String, Hashable, Sendable, CaseIterable {
    /// torchvision's rule: one per multiplication of convolutions, linear layers and matrix products, padding included;
    /// transposed convolutions on the input's size. Bias, normalisation, activation, pooling and resizing are not
    /// counted. Published as "GFLOPS" or "GMACs".
    case torchvision
    /// The rule of PyTorch's `torch.utils.flop_counter`: two per multiply–add of the same products.
    case pytorch
    /// The rule of fvcore's `FlopCountAnalysis`: one per multiply–add, plus some operations of normalisation, adaptive
    /// average pooling and resizing.
    case fvcore
    /// All operations: two per multiply–add, and one per other arithmetic operation, comparison or elementary function;
    /// see ``Cost``.
    case full
  }

  /// A layer, or the sum of the layers of a block.
  public struct Entry: Sendable {
    /// The name of the node, or of the block: the common prefix of its nodes' names.
    public let name: String
    /// The operator's name; for a block, the number of its operators.
    public let operation: String
    /// The cost, by the conventions of ``Cost``.
    public let cost: Cost
    /// The bytes of the outputs, which training would keep.
    public let activationByteCount: Int
    /// The operations that fvcore counts in addition to multiply–adds.
    let fvcoreOperations: Int

    /// The number of operations by a counting rule.
    public func operations(_ rule: CountingRule) -> Int {
      switch rule {
      case .torchvision: cost.macs
      case .pytorch: 2 * cost.macs
      case .fvcore: cost.macs + fvcoreOperations
      case .full: cost.flops
      }
    }
  }

  /// The operators in execution order.
  public let layers: [Entry]
  /// The sum over all operators.
  public let total: Entry
  /// The peak bytes of live activations if operators run in order, each output has its own memory, and it is released
  /// after its last reader: the memory of a run without sharing between inputs and outputs. Includes the graph's inputs
  /// and outputs, not the weights.
  public let peakActivationByteCount: Int

  /// Analyses a graph. Inputs that are not listed keep the shape they were built with.
  ///
  /// - Throws: ``GraphError`` if the graph does not support the shapes.
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

  /// The layers grouped by the first `depth` components of their names (`backbone.layer1.0` for 3), in order of first
  /// appearance. Names of repeated nodes (`relu#2`) count as the name without the number.
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
