/// What each operator of a graph gives and costs, for given input shapes.
public struct GraphSummary: Sendable {
  /// One operator.
  public struct Layer: Sendable {
    /// The node's name in the architecture.
    public let name: String
    /// The operator's name.
    public let operation: String
    /// Its attributes in a few words.
    public let attributes: String
    /// Its outputs.
    public let outputs: [TensorSpec]
    /// Its cost, as written in the architecture (nothing folded or fused).
    public let cost: Cost
  }

  /// The operators in the order in which they run.
  public let layers: [Layer]
  /// Learned values and statistics over all distinct parameters, and over the constants that operators take as weights (an ONNX file's);
  /// one that two layers share counts once.
  public let parameterCount: Int
  /// The cost of all layers.
  public let total: Cost

  /// Number of values that training changes: all parameters but the running statistics of batch normalisation, which a constant does not
  /// say of itself.
  public let trainableParameterCount: Int

  /// Summarises a graph; an input that is not named has the shape it was built with.
  ///
  /// - Throws: ``GraphError`` where the architecture cannot take the shapes.
  public init(_ graph: Graph, inputs shapes: [String: Shape] = [:]) throws(GraphError) {
    let specs = try graph.specs(forInputs: shapes)
    layers = graph.nodes.map { node in
      let outputs = node.outputs.map { specs[$0.index] }
      return Layer(
        name: node.name, operation: type(of: node.operator).name, attributes: node.operator.attributes,
        outputs: outputs,
        cost: node.operator.cost(inputs: node.inputs.map { specs[$0.index] }, outputs: outputs))
    }
    total = layers.reduce(Cost()) { $0 + $1.cost }
    var constants: Set<Graph.ValueID> = []
    for (node, layer) in zip(graph.nodes, layers) where layer.cost.parameters > 0 {
      for input in node.inputs {
        if case .constant(let tensor) = graph[input].source, tensor.elementType == .float32 { constants.insert(input) }
      }
    }
    let constantCount = constants.reduce(0) { $0 + specs[$1.index].shape.elementCount }
    parameterCount = constantCount + graph.parameters.reduce(0) { $0 + $1.spec.shape.elementCount }
    trainableParameterCount = graph.parameters.reduce(constantCount) { sum, parameter in
      let isStatistic = parameter.name.hasSuffix("running_mean") || parameter.name.hasSuffix("running_var")
      return sum + (isStatistic ? 0 : parameter.spec.shape.elementCount)
    }
  }
}
