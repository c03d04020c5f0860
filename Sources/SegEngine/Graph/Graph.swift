/// A network as a directed acyclic graph: operators in the order in which they run, and the values between them.
///
/// A graph is a description. It holds no weights, only their names, shapes and layouts; `Parameters` holds those. Shapes are
/// inferred as it is built, and again for any other input shape when it is compiled, so one graph serves every image size.
public struct Graph: Sendable {
  /// A value: the index of a tensor that flows through the graph.
  public struct ValueID: Hashable, Sendable {
    let index: Int
  }

  /// A node of a graph that is being edited.
  package struct NodeID: Hashable, Sendable {
    let index: Int
  }

  /// Where a value comes from.
  public enum Source: Sendable {
    /// The caller gives it at each run.
    case input(name: String)
    /// The weights of a checkpoint, by name.
    case parameter(name: String)
    /// It is part of the graph.
    case constant(Tensor)
    /// It is kept between runs, by name.
    case variable(name: String)
    /// An output of a node.
    case node
  }

  /// One operator with its operands.
  public struct Node: Sendable {
    /// Dotted path within the architecture, unique in the graph.
    public let name: String
    /// What is computed.
    public internal(set) var `operator`: any Operator
    /// The operands, in the operator's order.
    public internal(set) var inputs: [ValueID]
    /// The results, in the operator's order.
    public internal(set) var outputs: [ValueID]
    /// The line that added it, where it is known.
    var location: SourceLocation? = nil
    /// The nodes whose constants are part of this one's weights. Which they are may depend on the sizes that are compiled for, so
    /// packed weights are shared only where they are the same.
    var foldedNames: [String] = []

    /// Takes another node's name, with the line that added it and what is folded into it.
    mutating func takeName(of other: Node) {
      self = Node(
        name: other.name, operator: `operator`, inputs: inputs, outputs: outputs, location: other.location,
        foldedNames: other.foldedNames)
    }
  }

  /// A value's origin and what is known of it.
  public struct ValueInfo: Sendable {
    /// Where it comes from.
    public internal(set) var source: Source
    /// Shape and type, for the input shapes with which the graph was built.
    public internal(set) var spec: TensorSpec
  }

  /// A value under a name: an input or output of the graph.
  public struct Port: Sendable {
    /// The name by which callers give or take it.
    public let name: String
    /// The value.
    public internal(set) var value: ValueID
  }

  /// What a checkpoint must hold under a name.
  public struct ParameterInfo: Sendable {
    /// The checkpoint's key.
    public let name: String
    /// Shape and type, in the checkpoint's layout.
    public let spec: TensorSpec
    /// How it is drawn where a network starts without a checkpoint.
    public let initializer: Initializer
  }

  /// A name for reports.
  public let name: String
  /// The operators, each after all that it depends on.
  public internal(set) var nodes: [Node] = []
  /// All values by index.
  public internal(set) var values: [ValueInfo] = []
  /// What the caller gives.
  public internal(set) var inputs: [Port] = []
  /// What the caller gets.
  public internal(set) var outputs: [Port] = []
  /// What is kept between runs.
  public internal(set) var variables: [VariableInfo] = []
  /// What a checkpoint must hold, in the order of the architecture.
  public internal(set) var parameters: [ParameterInfo] = []
  /// Keys that checkpoints hold and inference does not need (batch normalisation's step counter).
  public internal(set) var ignoredCheckpointKeys: Set<String> = []

  /// Builds a graph by running `body`, which states inputs, operators and outputs.
  ///
  /// - Throws: ``GraphError`` for the first operator whose operands do not fit, naming both shapes and the line that added it, or, for an
  ///   arithmetic sign, the operands; for a graph without outputs; for two parameters of one name and different shapes.
  public init(_ name: String, _ body: (GraphBuilder) throws -> Void) throws {
    let builder = GraphBuilder(name: name)
    try body(builder)
    self = try builder.finish()
  }

  init(emptyNamed name: String) { self.name = name }

  /// What is known of a value.
  public subscript(value: ValueID) -> ValueInfo { values[value.index] }

  /// Shapes and types of a node's operands, among those of all values that ``specs(forInputs:)`` gives.
  public func specs(ofInputsOf node: Node, among specs: [TensorSpec]) -> [TensorSpec] {
    node.inputs.map { specs[$0.index] }
  }

  /// The values that are used when a run ends: outputs and what variables are then.
  var resultValues: [ValueID] { outputs.map(\.value) + variables.compactMap(\.update) }

  /// Lets the outputs and the updates of variables that are one value be another.
  mutating func redirectResults(from value: ValueID, to other: ValueID) {
    for index in outputs.indices where outputs[index].value == value { outputs[index].value = other }
    for index in variables.indices where variables[index].update == value { variables[index].update = other }
  }

  /// How often each value is read, by nodes or when a run ends, by the value's index.
  var useCounts: [Int] {
    var counts = [Int](repeating: 0, count: values.count)
    for node in nodes { for input in node.inputs { counts[input.index] += 1 } }
    for value in resultValues { counts[value.index] += 1 }
    return counts
  }

  /// Releases a constant's numbers; its shape stays known.
  mutating func forgetConstant(_ value: Int) {
    if case .constant = values[value].source { values[value].source = .constant(Tensor(zeros: [0])) }
  }

  /// What an operand is, for messages: the name of what gives it, with the line that added it where that is known.
  func origin(of value: ValueID) -> String {
    switch self[value].source {
    case .input(let name): return "input \(name)"
    case .parameter(let name): return "parameter \(name)"
    case .constant: return "a constant"
    case .variable(let name): return "variable \(name)"
    case .node:
      // It is looked for where there is an error to report, once.
      guard let node = nodes.first(where: { $0.outputs.contains(value) }) else { return "a value" }
      return node.name + (node.location.map { " at \($0)" } ?? "")
    }
  }

  /// Shapes and types of all values (by index) for the given input shapes; an input that is not named keeps its shape.
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
      guard let update = variable.update, specs[update.index] != variable.initial.spec else { continue }
      throw GraphError.wrongUpdate(
        variable: variable.name, expected: variable.initial.spec, actual: specs[update.index], location: nil)
    }
    return specs
  }
}

/// What can be wrong with a graph, its inputs, their values or its weights.
public enum GraphError: Error, Sendable, CustomStringConvertible {
  /// An operator's operands do not fit. `location` is the line of the architecture that added it; `nil` for an arithmetic sign, to which
  /// Swift does not tell its caller's line, and for a network out of a file. `operands` are the names of what gives the operands, with
  /// the lines that added them where those are known.
  case shape(node: String, error: ShapeError, operands: [String], location: String?)
  /// The graph has nothing to compute.
  case noOutputs(graph: String)
  /// Two values want the same name. `location` is the line of the second, where it is known.
  case duplicateName(name: String, location: String?)
  /// Two uses of one parameter disagree on its shape. `location` is the line of the second, where it is known.
  case conflictingParameter(name: String, Shape, Shape, location: String?)
  /// A variable is updated to a value of another shape or type. `location` is the line of the update, where it is known.
  case wrongUpdate(variable: String, expected: TensorSpec, actual: TensorSpec, location: String?)
  /// A run leaves out a variable, or gives one of another shape or type.
  case wrongVariable(name: String, expected: TensorSpec, actual: TensorSpec?)
  /// A run or a compilation names an input that the graph has not got.
  case unknownInput(name: String, expected: [String])
  /// A run leaves out an input.
  case missingInput(name: String, expected: TensorSpec)
  /// A run gives an input of another shape or type than was compiled for.
  case wrongInput(name: String, expected: TensorSpec, actual: TensorSpec)
  /// A node is not defined for the values that it met in a run.
  case run(node: String, error: RunError)
  /// Compiling names a convolution algorithm that there is not; `known` are those that there are.
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
    case .run(let node, let error): "\(node): \(error)"
    case .unknownAlgorithm(let name, let known):
      "there is no convolution algorithm \(name); there are \(known.joined(separator: ", "))"
    }
  }
}
