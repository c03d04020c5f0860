/// A network as a directed acyclic graph: operators in execution order, and the values between them.
///
/// A graph is a description. It holds no weights, only their names, shapes and layouts; `Parameters` holds the weights. Shapes are inferred
/// when the graph is built, and again when it is compiled for other input shapes, so one graph serves every image size.
public struct Graph: Sendable {
  /// A value's identifier: its index in the graph.
  public struct ValueID: Hashable, Sendable {
    let index: Int
  }

  /// The identifier of a node in a graph that is being edited.
  package struct NodeID: Hashable, Sendable {
    let index: Int
  }

  /// The origin of a value.
  public enum Source: Sendable {
    /// An input, which the caller provides at each run.
    case input(name: String)
    /// A parameter: a named weight of a checkpoint.
    case parameter(name: String)
    /// A constant of the graph.
    case constant(Tensor)
    /// A variable, which is kept between runs.
    case variable(name: String)
    /// An output of a node.
    case node
  }

  /// An operator with its operands.
  public struct Node: Sendable {
    /// Dotted path within the architecture, unique in the graph.
    public let name: String
    /// The operator.
    public internal(set) var `operator`: any Operator
    /// The operands, in the operator's order.
    public internal(set) var inputs: [ValueID]
    /// The results, in the operator's order.
    public internal(set) var outputs: [ValueID]
    /// The source line that added it, if known.
    var location: SourceLocation? = nil
    /// The nodes whose constants are folded into this node's weights. They may depend on the input shapes of the compilation, so packed
    /// weights are shared only if the names are the same.
    var foldedNames: [String] = []

    /// Takes over another node's name, source line and folded names.
    mutating func takeName(of other: Node) {
      self = Node(
        name: other.name, operator: `operator`, inputs: inputs, outputs: outputs, location: other.location,
        foldedNames: other.foldedNames)
    }
  }

  /// A value's origin, shape and type.
  public struct ValueInfo: Sendable {
    /// The origin.
    public internal(set) var source: Source
    /// Shape and type, for the input shapes that the graph was built with.
    public internal(set) var spec: TensorSpec
  }

  /// A named input or output of the graph.
  public struct Port: Sendable {
    /// The name that callers use.
    public let name: String
    /// The value.
    public internal(set) var value: ValueID
  }

  /// A parameter that a checkpoint must provide.
  public struct ParameterInfo: Sendable {
    /// The checkpoint's key.
    public let name: String
    /// Shape and type, in the checkpoint's layout.
    public let spec: TensorSpec
    /// The initialiser, for networks that start without a checkpoint.
    public let initializer: Initializer
  }

  /// A name for reports.
  public let name: String
  /// The operators, each after its operands' producers.
  public internal(set) var nodes: [Node] = []
  /// All values by index.
  public internal(set) var values: [ValueInfo] = []
  /// The inputs, which the caller provides.
  public internal(set) var inputs: [Port] = []
  /// The outputs, which the caller gets.
  public internal(set) var outputs: [Port] = []
  /// The variables, which are kept between runs.
  public internal(set) var variables: [VariableInfo] = []
  /// The parameters that a checkpoint must provide, in the order of the architecture.
  public internal(set) var parameters: [ParameterInfo] = []
  /// Ignored checkpoint keys: names in checkpoints that inference does not need (batch normalisation's step counter).
  public internal(set) var ignoredCheckpointKeys: Set<String> = []

  /// Builds a graph by running `body`, which adds inputs, operators and outputs.
  ///
  /// - Throws: ``GraphError`` for the first operator whose operands do not fit, with both shapes and the line that added it, or, for an
  ///   arithmetic operator, its operands; for a graph without outputs; for two parameters of one name and different shapes.
  public init(_ name: String, _ body: (GraphBuilder) throws(GraphError) -> Void) throws(GraphError) {
    let builder = GraphBuilder(name: name)
    try body(builder)
    self = try builder.finish()
  }

  /// Builds a graph by running `body`, which adds inputs, operators and outputs, and may throw errors of its own.
  ///
  /// - Throws: ``GraphError`` as the other initialiser; the errors of `body`.
  @_disfavoredOverload
  public init(_ name: String, _ body: (GraphBuilder) throws -> Void) throws {
    let builder = GraphBuilder(name: name)
    try body(builder)
    self = try builder.finish()
  }

  init(emptyNamed name: String) { self.name = name }

  /// The origin, shape and type of a value.
  public subscript(value: ValueID) -> ValueInfo { values[value.index] }

  /// Returns the shapes and types of a node's operands, from those of all values as given by ``specs(forInputs:)``.
  public func specs(ofInputsOf node: Node, among specs: [TensorSpec]) -> [TensorSpec] {
    node.inputs.map { specs[$0.index] }
  }

  /// Returns the shape and type of a value, from those of all values as given by ``specs(forInputs:)``.
  package func spec(of value: ValueID, among specs: [TensorSpec]) -> TensorSpec { specs[value.index] }

  /// The values that are needed when a run ends: outputs and updates of variables.
  var resultValues: [ValueID] { outputs.map(\.value) + variables.compactMap(\.update) }

  /// Replaces a value by another among the outputs and the updates of variables.
  mutating func redirectResults(from value: ValueID, to other: ValueID) {
    for index in outputs.indices where outputs[index].value == value { outputs[index].value = other }
    for index in variables.indices where variables[index].update == value { variables[index].update = other }
  }

  /// The number of uses of each value, by nodes, outputs and updates of variables; by the value's index.
  var useCounts: [Int] {
    var counts = [Int](repeating: 0, count: values.count)
    for node in nodes { for input in node.inputs { counts[input.index] += 1 } }
    for value in resultValues { counts[value.index] += 1 }
    return counts
  }

  /// Releases a constant's elements; its shape is kept.
  mutating func forgetConstant(_ value: Int) {
    if case .constant = values[value].source { values[value].source = .constant(Tensor(zeros: [0])) }
  }

  /// Returns a description of an operand for messages: the name of its origin, with the line that added it if known.
  func origin(of value: ValueID) -> String {
    switch self[value].source {
    case .input(let name): return "input \(name)"
    case .parameter(let name): return "parameter \(name)"
    case .constant: return "a constant"
    case .variable(let name): return "variable \(name)"
    case .node:
      // A linear search: it only runs when an error is reported.
      guard let node = nodes.first(where: { $0.outputs.contains(value) }) else { return "a value" }
      return node.name + (node.location.map { " at \($0)" } ?? "")
    }
  }

  /// Infers shapes and types of all values (by index) for the given input shapes. An input that is not given keeps its shape.
  ///
  /// - Throws: ``GraphError`` for an unknown input name or operands that do not fit.
  public func specs(forInputs shapes: [String: Shape]) throws(GraphError) -> [TensorSpec] {
    for name in shapes.keys.sorted() where !inputs.contains(where: { $0.name == name }) {
      throw GraphError.unknownInput(name: name, expected: inputs.map(\.name))
    }
    var specs = values.map(\.spec)
    for port in inputs {
      if let shape = shapes[port.name] {
        specs[port.value.index] = TensorSpec(shape, specs[port.value.index].elementType)
      }
    }
    for node in nodes {
      do {
        let results = try node.operator.outputs(for: node.inputs.map { specs[$0.index] })
        for (output, spec) in zip(node.outputs, results) { specs[output.index] = spec }
      } catch {
        throw GraphError.shape(
          node: node.name, error: error, operands: node.inputs.map(origin), location: node.location?.description)
      }
    }
    for variable in variables {
      guard let update = variable.update, specs[update.index] != variable.spec else { continue }
      throw GraphError.wrongUpdate(
        variable: variable.name, expected: variable.spec, actual: specs[update.index], location: nil)
    }
    return specs
  }
}

/// An error in a graph, its inputs, their values or its weights.
public enum GraphError: Error, Sendable, CustomStringConvertible {
  /// An operator's operands do not fit. `location` is the line that added the operator; `nil` for an arithmetic operator, as Swift does not
  /// tell its caller's line, and for a network from a file. `operands` are the names of the operands' origins, with the lines that added
  /// them if known.
  case shape(node: String, error: ShapeError, operands: [String], location: String?)
  /// The graph has no outputs.
  case noOutputs(graph: String)
  /// Two values have the same name. `location` is the line of the second, if known.
  case duplicateName(name: String, location: String?)
  /// Two uses of one parameter have different shapes. `location` is the line of the second, if known.
  case conflictingParameter(name: String, Shape, Shape, location: String?)
  /// A variable is updated to a value of another shape or type. `location` is the line of the update, if known.
  case wrongUpdate(variable: String, expected: TensorSpec, actual: TensorSpec, location: String?)
  /// A variable is missing in a run, or has another shape or type.
  case wrongVariable(name: String, expected: TensorSpec, actual: TensorSpec?)
  /// A run or a compilation names an input that does not exist.
  case unknownInput(name: String, expected: [String])
  /// An input is missing in a run.
  case missingInput(name: String, expected: TensorSpec)
  /// An input in a run has another shape or type than was compiled for.
  case wrongInput(name: String, expected: TensorSpec, actual: TensorSpec)
  /// The graph for the given input shapes cannot be made; `error` is the error of the function that makes it, such as that of a file's
  /// import.
  case graph(error: any Error)
  /// A node is not defined for the values in a run.
  case run(node: String, error: RunError)
  /// The options name an unknown convolution algorithm; `known` are the available ones.
  case unknownAlgorithm(name: String, known: [String])

  public var description: String {
    switch self {
    case .shape(let node, let error, let operands, let location):
      "\(node): \(error)"
        + (location.map { " (\($0))" } ?? (operands.isEmpty ? "" : " (operands: \(operands.joined(separator: ", ")))"))
    case .noOutputs(let graph): "the graph \(graph) has no outputs"
    case .duplicateName(let name, let location):
      "two values of the graph are named \(name)" + (location.map { " (\($0))" } ?? "")
    case .conflictingParameter(let name, let a, let b, let location):
      "parameter \(name) is used as \(a) and as \(b)" + (location.map { " (\($0))" } ?? "")
    case .wrongUpdate(let name, let expected, let actual, let location):
      "variable \(name) is \(expected) and is updated to \(actual)" + (location.map { " (\($0))" } ?? "")
    case .wrongVariable(let name, let expected, let actual):
      actual.map { "variable \(name) is \(expected), not \($0)" } ?? "variable \(name) \(expected) is missing"
    case .unknownInput(let name, let expected):
      "the graph has no input \(name); it has \(expected.joined(separator: ", "))"
    case .missingInput(let name, let expected): "input \(name) of \(expected) is missing"
    case .wrongInput(let name, let expected, let actual): "input \(name) is \(actual), expected \(expected)"
    case .graph(let error): "\(error)"
    case .run(let node, let error): "\(node): \(error)"
    case .unknownAlgorithm(let name, let known):
      "there is no convolution algorithm \(name); there are \(known.joined(separator: ", "))"
    }
  }
}
