import Synchronization

/// A network with its weights: runs inputs of any size, compiling once for each size and keeping the last few.
public final class Model: Sendable {
  /// The architecture.
  public let graph: Graph
  /// The weights.
  public let parameters: Parameters
  /// The arithmetic it runs on.
  public let backend: any Backend
  /// How it is compiled.
  public let options: CompileOptions

  private let capacity: Int
  private let packedWeights = PackedWeights()
  private let cache = Mutex<[(shapes: [String: Shape], model: CompiledModel)]>([])

  /// Joins an architecture and its weights; `capacity` compiled sizes are kept.
  ///
  /// - Throws: ``ParameterError`` where the weights are not those of the graph.
  public init(
    _ graph: Graph, parameters: Parameters, on backend: any Backend = OpenBLASBackend(),
    options: CompileOptions = .init(),
    keeping capacity: Int = 4
  ) throws(ParameterError) {
    try parameters.validate(for: graph)
    self.graph = graph
    self.parameters = parameters
    self.backend = backend
    self.options = options
    self.capacity = max(1, capacity)
  }

  /// The model compiled for the given input shapes; an input that is not named has the shape it was built with.
  ///
  /// - Throws: ``GraphError`` where the architecture cannot take the shapes.
  public func compiled(for shapes: [String: Shape] = [:]) throws -> CompiledModel {
    var full: [String: Shape] = [:]
    for port in graph.inputs { full[port.name] = graph[port.value].spec.shape }
    full.merge(shapes) { $1 }
    let found = cache.withLock { cache -> CompiledModel? in
      guard let index = cache.firstIndex(where: { $0.shapes == full }) else { return nil }
      let entry = cache.remove(at: index)
      cache.append(entry)
      return entry.model
    }
    if let found { return found }
    let model = try Compiler(graph, parameters, backend, options, packedWeights).compile(for: full)
    cache.withLock { cache in
      cache.append((full, model))
      if cache.count > capacity { cache.removeFirst() }
    }
    return model
  }

  /// Runs the network on tensors by name.
  ///
  /// - Throws: ``GraphError`` where an input is missing, unknown, or of a shape that the architecture cannot take.
  public func run(_ inputs: [String: Tensor]) throws -> [String: Tensor] {
    try compiled(for: inputs.mapValues(\.shape)).run(inputs)
  }

  /// Runs a network of one input and gives its first output.
  ///
  /// - Precondition: the graph has one input.
  /// - Throws: ``GraphError`` where the architecture cannot take the input's shape.
  public func callAsFunction(_ input: Tensor) throws -> Tensor {
    precondition(graph.inputs.count == 1, "\(graph.name) has \(graph.inputs.count) inputs")
    return try run([graph.inputs[0].name: input])[graph.outputs[0].name]!
  }
}

extension Graph {
  /// Compiles the graph for the given input shapes; an input that is not named has the shape it was built with.
  ///
  /// - Throws: ``ParameterError`` where the weights are not those of the graph, ``GraphError`` where operands do not fit.
  public func compiled(
    for shapes: [String: Shape] = [:], parameters: Parameters = .init(), on backend: any Backend = OpenBLASBackend(),
    options: CompileOptions = .init()
  ) throws -> CompiledModel {
    try parameters.validate(for: self)
    return try Compiler(self, parameters, backend, options, PackedWeights()).compile(for: shapes)
  }
}
