/// The output and cost of each operator of a graph, for given input shapes.
public struct GraphSummary: Sendable {
  /// One operator.
  public struct Layer: Sendable {
    /// The node's name in the architecture.
    public let name: String
    /// The operator's name.
    public let operation: String
    /// A short description of its attributes.
    public let attributes: String
    /// Its outputs.
    public let outputs: [TensorSpec]
    /// Its cost before any folding or fusion.
    public let cost: Cost
  }

  /// The operators in execution order.
  public let layers: [Layer]
  /// The number of learned values and statistics in all distinct parameters, and in the constants that operators take
  /// as weights (those of an ONNX file). A parameter that several layers share counts once.
  public let parameterCount: Int
  /// The cost of all layers.
  public let total: Cost

  /// The number of trainable values: all parameters except the running statistics of batch normalisation. Constants
  /// count as trainable, because their role is not known.
  public let trainableParameterCount: Int

  /// Summarises a graph. Inputs that are not listed keep the shape they were built with.
  ///
  /// - Throws: ``GraphError`` if the graph does not support the shapes.
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
