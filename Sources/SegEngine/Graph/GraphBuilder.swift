/// A builder that adds inputs, operators and outputs to a graph, inside an initialiser of ``Graph``.
///
/// Operators are added by the methods of ``Value``. They never throw, so that an architecture reads like its paper. The first shape error
/// is stored with the line that added the operator, later operators are skipped, and `Graph.init` throws the error. Every function that can
/// fail takes the line from its caller. Arithmetic operators cannot; their errors name the operands.
public final class GraphBuilder {
  private var graph: Graph
  private var scopes: [String] = []
  private var nodeNames: Set<String> = []
  private var parameterValues: [String: Graph.ValueID] = [:]
  package private(set) var failure: GraphError?
  /// Whether errors give lines of the calling code. False for files, as all nodes of a file come from the same lines.
  package var namesLines = true

  init(name: String) { graph = Graph(emptyNamed: name) }

  /// Makes a builder that adds to a graph.
  init(continuing graph: Graph) {
    self.graph = graph
    nodeNames = Set(graph.nodes.map(\.name))
    for index in graph.values.indices {
      if case .parameter(let name) = graph.values[index].source { parameterValues[name] = .init(index: index) }
    }
  }

  func finish() throws(GraphError) -> Graph {
    if let failure { throw failure }
    guard !graph.outputs.isEmpty else { throw GraphError.noOutputs(graph: graph.name) }
    return graph
  }

  /// Adds an input, which the caller provides at each run. `shape` is the shape for which the graph is checked while it is built.
  public func input(
    _ name: String, _ shape: Shape, of elementType: ElementType = .float32, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Value {
    if graph.inputs.contains(where: { $0.name == name }) {
      fail(.duplicateName(name: name, location: location(file, line)?.description))
    }
    let id = addValue(.input(name: name), TensorSpec(shape, elementType))
    graph.inputs.append(.init(name: name, value: id))
    return Value(builder: self, id: id)
  }

  /// Adds a constant.
  public func constant(_ tensor: Tensor) -> Value {
    Value(builder: self, id: addValue(.constant(tensor), tensor.spec))
  }

  /// Adds a weight of the checkpoint, named within the current scope, in the checkpoint's layout.
  public func parameter(
    _ name: String, _ shape: Shape, of elementType: ElementType = .float32, initializer: Initializer,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    let path = path(name)
    let spec = TensorSpec(shape, elementType)
    if let id = parameterValues[path] {
      if graph[id].spec != spec {
        fail(
          .conflictingParameter(
            name: path, graph[id].spec.shape, shape, location: location(file, line)?.description))
      }
      return Value(builder: self, id: id)
    }
    let id = addValue(.parameter(name: path), spec)
    parameterValues[path] = id
    graph.parameters.append(.init(name: path, spec: spec, initializer: initializer))
    return Value(builder: self, id: id)
  }

  /// Adds an ignored checkpoint key, named within the current scope.
  public func ignoredCheckpointKey(_ name: String) { graph.ignoredCheckpointKeys.insert(path(name)) }

  /// Makes a value a named output of the graph.
  public func output(_ name: String, _ value: Value, file: StaticString = #fileID, line: UInt = #line) {
    if graph.outputs.contains(where: { $0.name == name }) {
      fail(.duplicateName(name: name, location: location(file, line)?.description))
    }
    graph.outputs.append(.init(name: name, value: value.id))
  }

  func addVariable(_ name: String, _ spec: TensorSpec, _ initial: Tensor?, _ location: SourceLocation?) -> Value {
    if graph.variables.contains(where: { $0.name == name }) {
      fail(.duplicateName(name: name, location: location?.description))
    }
    let id = addValue(.variable(name: name), spec)
    graph.variables.append(.init(name: name, value: id, spec: spec, initial: initial, update: nil))
    return Value(builder: self, id: id)
  }

  func setUpdate(_ variable: Value, _ value: Value, _ location: SourceLocation?) {
    guard let index = graph.variables.firstIndex(where: { $0.value == variable.id }) else {
      preconditionFailure("what is updated is no variable")
    }
    let info = graph.variables[index]
    if info.update != nil { fail(.duplicateName(name: info.name, location: location?.description)) }
    if failure == nil, graph[value.id].spec != info.spec {
      fail(
        .wrongUpdate(
          variable: info.name, expected: info.spec, actual: graph[value.id].spec,
          location: location?.description))
    }
    graph.variables[index].update = value.id
  }

  /// Adds the prefix `name` and a dot to every name that `body` uses.
  public func scope<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
    scopes.append(name)
    defer { scopes.removeLast() }
    return try body()
  }

  /// Adds an operator and returns its `outputCount` outputs. The methods of ``Value`` use it.
  ///
  /// The node's name is within the current scope, and is made unique if it is taken.
  public func add(
    _ operator: some Operator, named name: String, to inputs: [Value], outputCount: Int = 1,
    file: StaticString = #fileID, line: UInt = #line
  ) -> [Value] {
    add(`operator`, named: name, to: inputs, outputCount: outputCount, at: location(file, line))
  }

  /// Adds an operator with an optional source line.
  func add(
    _ operator: some Operator, named name: String, to inputs: [Value], outputCount: Int = 1,
    at location: SourceLocation?
  ) -> [Value] {
    var specs: [TensorSpec] = []
    let name = uniqueName(path(name))
    if failure == nil {
      do throws(ShapeError) {
        specs = try `operator`.outputs(for: inputs.map { graph[$0.id].spec })
      } catch {
        fail(
          .shape(
            node: name, error: error, operands: inputs.map { graph.origin(of: $0.id) },
            location: location?.description))
      }
    }
    precondition(
      failure != nil || specs.count == outputCount, "\(name) has \(specs.count) outputs, not \(outputCount)")
    // After an error, values have one element and are never run.
    let stand = TensorSpec([1, 1, 1, 1])
    let ids = (0..<outputCount).map { addValue(.node, failure == nil ? specs[$0] : stand) }
    if failure == nil {
      graph.nodes.append(
        .init(name: name, operator: `operator`, inputs: inputs.map(\.id), outputs: ids, location: location))
    }
    return ids.map { Value(builder: self, id: $0) }
  }

  func spec(of id: Graph.ValueID) -> TensorSpec { graph[id].spec }

  /// The number of nodes so far.
  package var nodeCount: Int { graph.nodes.count }

  /// The nodes so far.
  var nodes: [Graph.Node] { graph.nodes }

  /// Returns the origin of a value.
  package func source(of value: Value) -> Graph.Source { graph[value.id].source }

  private func addValue(_ source: Graph.Source, _ spec: TensorSpec) -> Graph.ValueID {
    graph.values.append(.init(source: source, spec: spec))
    return .init(index: graph.values.count - 1)
  }

  func location(_ file: StaticString, _ line: UInt) -> SourceLocation? {
    namesLines ? SourceLocation(file: file, line: line) : nil
  }

  private func fail(_ error: GraphError) { if failure == nil { failure = error } }

  private func path(_ name: String) -> String { (scopes + [name]).joined(separator: ".") }

  private func uniqueName(_ name: String) -> String {
    var unique = name
    var number = 2
    while !nodeNames.insert(unique).inserted {
      unique = "\(name)#\(number)"
      number += 1
    }
    return unique
  }
}

/// A tensor in a graph that is being built.
///
/// Each of its methods adds one operator and returns its result. Feature maps are `[batch, height, width, channels]`.
public struct Value {
  let builder: GraphBuilder
  package let id: Graph.ValueID

  /// The shape, for the input shapes that the graph is built with.
  public var shape: Shape { builder.spec(of: id).shape }

  /// The type of the elements.
  public var elementType: ElementType { builder.spec(of: id).elementType }

  /// The extent of the innermost axis.
  public var channels: Int { shape.channels }

  /// The builder of this value's graph.
  public var graph: GraphBuilder { builder }

  /// Adds an operator with one output to this value and `others`.
  public func apply(
    _ operator: some Operator, named name: String, with others: [Value] = [], file: StaticString = #fileID,
    line: UInt = #line
  ) -> Value {
    builder.add(`operator`, named: name, to: [self] + others, file: file, line: line)[0]
  }
}
