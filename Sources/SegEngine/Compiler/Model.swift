import Synchronization

/// A network with its weights: runs inputs of any size, compiling once for each size and keeping the last few.
public final class Model: Sendable {
  /// The network's name.
  public let name: String
  /// The names of what each run takes, in order.
  public let inputNames: [String]
  /// The names of what each run gives, in order.
  public let outputNames: [String]
  /// The arithmetic it runs on.
  public let backend: any Backend
  /// How it is compiled.
  public let options: CompileOptions

  /// What compiles the network for input shapes, with what is computed behind it; an input that is not named has the network's own shape.
  private let compile: @Sendable ([String: Shape], (any GraphExtension)?) throws -> CompiledModel
  private let capacity: Int
  private let cache = Mutex<[(variant: Variant, model: CompiledModel)]>([])

  /// What the network is compiled for.
  private struct Variant: Equatable {
    let shapes: [String: Shape]
    let `extension`: (any GraphExtension)?

    static func == (a: Variant, b: Variant) -> Bool {
      guard a.shapes == b.shapes else { return false }
      return switch (a.extension, b.extension) {
      case (nil, nil): true
      case (let a?, let b?): a.isEqual(to: b)
      default: false
      }
    }
  }

  /// Joins an architecture and its weights; `capacity` compiled sizes are kept.
  ///
  /// - Throws: ``ParameterError`` where the weights are not those of the graph.
  public init(
    _ graph: Graph, parameters: Parameters, on backend: any Backend = OpenBLASBackend(),
    options: CompileOptions = .init(),
    keeping capacity: Int = 4
  ) throws(ParameterError) {
    try parameters.validate(for: graph)
    name = graph.name
    inputNames = graph.inputs.map(\.name)
    outputNames = graph.outputs.map(\.name)
    self.backend = backend
    self.options = options
    self.capacity = max(1, capacity)
    let packedWeights = PackedWeights()
    compile = { shapes, `extension` in
      let graph = try `extension`.map { try graph.extended(by: $0, for: shapes) } ?? graph
      return try Compiler(graph, parameters, backend, options, packedWeights).compile(for: shapes)
    }
  }

  /// A network whose graph, weights included, is made anew for each set of input shapes, as that of a file whose shape arithmetic
  /// is computed beforehand; `capacity` compiled sizes are kept, each with weights of its own.
  public init(
    name: String, inputNames: [String], outputNames: [String], on backend: any Backend = OpenBLASBackend(),
    options: CompileOptions = .init(), keeping capacity: Int = 2,
    makingGraph makeGraph: @escaping @Sendable (_ shapes: [String: Shape]) throws -> Graph
  ) {
    self.name = name
    self.inputNames = inputNames
    self.outputNames = outputNames
    self.backend = backend
    self.options = options
    self.capacity = max(1, capacity)
    compile = { shapes, `extension` in
      let graph = try makeGraph(shapes)
      return try Compiler(
        `extension`.map { try graph.extended(by: $0, for: [:]) } ?? graph, .init(), backend, options, PackedWeights()
      ).compile(for: [:])
    }
  }

  /// The model compiled for the given input shapes; an input that is not named has the shape it was built with.
  ///
  /// - Throws: ``GraphError`` where the architecture cannot take the shapes, and what making the graph throws.
  public func compiled(for shapes: [String: Shape] = [:]) throws -> CompiledModel {
    try compiled(Variant(shapes: shapes, extension: nil))
  }

  private func compiled(_ variant: Variant) throws -> CompiledModel {
    let found = cache.withLock { cache -> CompiledModel? in
      guard let index = cache.firstIndex(where: { $0.variant == variant }) else { return nil }
      let entry = cache.remove(at: index)
      cache.append(entry)
      return entry.model
    }
    if let found { return found }
    let model = try compile(variant.shapes, variant.extension)
    cache.withLock { cache in
      cache.append((variant, model))
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
  /// - Precondition: the network has one input.
  /// - Throws: ``GraphError`` where the architecture cannot take the input's shape.
  public func callAsFunction(_ input: Tensor) throws -> Tensor {
    precondition(inputNames.count == 1, "\(name) has \(inputNames.count) inputs")
    return try run([inputNames[0]: input])[outputNames[0]]!
  }

  /// Runs a network of one input with what is computed behind it, which has one output, and gives that.
  ///
  /// - Precondition: the network has one input.
  /// - Throws: as ``callAsFunction(_:)``, and what the extension throws.
  package func run(_ input: Tensor, extendedBy extension: any GraphExtension) throws -> Tensor {
    precondition(inputNames.count == 1, "\(name) has \(inputNames.count) inputs")
    let variant = Variant(shapes: [inputNames[0]: input.shape], extension: `extension`)
    let outputs = try compiled(variant).run([inputNames[0]: input])
    precondition(outputs.count == 1, "an extension of one output has \(outputs.count)")
    return outputs.first!.value
  }
}

extension Graph {
  /// Compiles the graph for the given input shapes; an input that is not named has the shape it was built with.
  ///
  /// - Throws: ``ParameterError`` where the weights are not those of the graph, ``GraphError`` where operands do not fit.
  ///
  /// A caller that does not use the graph again needs the memory of packed weights alone: what is packed is let go at once.
  public consuming func compiled(
    for shapes: [String: Shape] = [:], parameters: consuming Parameters = .init(),
    on backend: any Backend = OpenBLASBackend(), options: CompileOptions = .init()
  ) throws -> CompiledModel {
    try parameters.validate(for: self)
    return try Compiler(self, parameters, backend, options, PackedWeights()).compile(for: shapes)
  }
}
