import Synchronization

/// A network with its weights. It runs inputs of any size, compiles once per size, and keeps the last few compiled sizes.
///
/// For each size it keeps packed weights, which sizes share as far as possible, and as many workspaces as there were concurrent runs at
/// most. ``memoryLimit`` limits this memory, ``releaseMemory()`` releases it. The model also keeps the given weights.
public final class Model: Sendable {
  /// The network's name.
  public let name: String
  /// The names of the inputs, in order.
  public let inputNames: [String]
  /// The names of the outputs, in order.
  public let outputNames: [String]
  /// The backend.
  public let backend: any Backend
  /// The options of compilation.
  public let options: CompileOptions

  /// Compiles the network for input shapes, with an optional extension. An input that is not given has the network's own shape.
  private let compile: @Sendable ([String: Shape], (any GraphExtension)?) throws -> CompiledModel
  private let capacity: Int
  /// The storages of the given weights.
  private let givenStorages: Set<ObjectIdentifier>
  private let cache: Mutex<Cache>

  /// The key of a compiled model: input shapes and extension.
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

  /// The compiled models that are kept between runs.
  private struct Cache {
    var memoryLimit: Int?
    /// The compiled sizes, the least recently used first.
    var entries: [(variant: Variant, model: CompiledModel)] = []

    /// Computes the bytes of weights, constants and workspaces, each counted once, without the given weights.
    func byteCount(besides given: Set<ObjectIdentifier>) -> Int {
      var seen = given
      return entries.reduce(0) { sum, entry in
        entry.model.heldTensors.reduce(sum + entry.model.parkedByteCount) { sum, tensor in
          seen.insert(ObjectIdentifier(tensor.storage)).inserted ? sum + tensor.byteCount : sum
        }
      }
    }
  }

  /// Makes a model from an architecture and its weights. It keeps `capacity` compiled sizes, within `memoryLimit` bytes if given.
  ///
  /// - Throws: ``ParameterError`` if the weights do not match the graph.
  public init(
    _ graph: Graph, parameters: Parameters, on backend: any Backend = OpenBLASBackend(),
    options: CompileOptions = .init(), keeping capacity: Int = 4, memoryLimit: Int? = nil
  ) throws(ParameterError) {
    try parameters.validate(for: graph)
    name = graph.name
    inputNames = graph.inputs.map(\.name)
    outputNames = graph.outputs.map(\.name)
    self.backend = backend
    self.options = options
    self.capacity = max(1, capacity)
    var given = Set(parameters.tensors.values.map { ObjectIdentifier($0.storage) })
    for value in graph.values {
      if case .constant(let tensor) = value.source { given.insert(ObjectIdentifier(tensor.storage)) }
    }
    givenStorages = given
    cache = Mutex(Cache(memoryLimit: memoryLimit))
    let shared = SharedWeights()
    compile = { shapes, `extension` in
      let graph = try `extension`.map { try graph.extended(by: $0, for: shapes) } ?? graph
      return try Compiler(graph, parameters, backend, options, PackedWeights(sharing: shared)).compile(for: shapes)
    }
  }

  /// Makes a model whose graph, weights included, is made for each set of input shapes, such as that of a file with precomputed shape
  /// arithmetic. It keeps `capacity` compiled sizes, each with its own weights, within `memoryLimit` bytes if given. A graph may have parameters,
  /// whose values are then given.
  public init(
    name: String, inputNames: [String], outputNames: [String], parameters: Parameters = .init(),
    on backend: any Backend = OpenBLASBackend(), options: CompileOptions = .init(), keeping capacity: Int = 2,
    memoryLimit: Int? = nil,
    makingGraph makeGraph: @escaping @Sendable (_ shapes: [String: Shape]) throws -> Graph
  ) {
    self.name = name
    self.inputNames = inputNames
    self.outputNames = outputNames
    self.backend = backend
    self.options = options
    self.capacity = max(1, capacity)
    givenStorages = []
    cache = Mutex(Cache(memoryLimit: memoryLimit))
    compile = { shapes, `extension` in
      let graph = try makeGraph(shapes)
      return try Compiler(
        `extension`.map { try graph.extended(by: $0, for: [:]) } ?? graph, parameters, backend, options, PackedWeights()
      ).compile(for: [:])
    }
  }

  /// The most bytes that are kept between runs; `nil`, the default, limits only the number of sizes.
  ///
  /// Memory beyond the limit is released before a new size runs and after every run: first workspaces, then compiled sizes, both the least
  /// recently used first. A run itself takes the memory that it needs. If the limit is below the memory of one size, every run allocates a
  /// workspace; if it is below its weights, every run compiles the network.
  public var memoryLimit: Int? {
    get { cache.withLock { $0.memoryLimit } }
    set {
      cache.withLock { $0.memoryLimit = newValue }
      keepWithinLimit()
    }
  }

  /// Bytes that are kept between runs: packed weights, constants made by compilation, and workspaces.
  public var keptByteCount: Int { cache.withLock { $0.byteCount(besides: givenStorages) } }

  /// Releases everything that is kept between runs. The next run compiles the network. Models that are running, or that the caller has from
  /// ``compiled(for:)``, stay valid until their last owner releases them.
  public func releaseMemory() {
    let released = cache.withLock { cache in
      defer { cache.entries = [] }
      return cache.entries.map(\.model)
    }
    for model in released { model.releaseWorkspaces() }
  }

  /// Releases memory beyond the limit. `upcoming` are the bytes that the most recently used size is about to allocate; they count, but that
  /// size is not released for them alone.
  private func keepWithinLimit(expecting upcoming: Int = 0) {
    cache.withLock { cache in
      guard let limit = cache.memoryLimit else { return }
      func isBeyond(_ upcoming: Int) -> Bool { cache.byteCount(besides: givenStorages) + upcoming > limit }
      for entry in cache.entries where isBeyond(upcoming) { entry.model.releaseWorkspaces() }
      while cache.entries.count > 1, isBeyond(upcoming) { cache.entries.removeFirst() }
      if isBeyond(0) { cache.entries = [] }
    }
  }

  /// Returns the model compiled for the given input shapes. An input that is not given has the shape it was built with.
  ///
  /// - Throws: ``GraphError`` if the architecture does not support the shapes; ``GraphError/graph(error:)`` if its graph cannot be made.
  public func compiled(for shapes: [String: Shape] = [:]) throws(GraphError) -> CompiledModel {
    do {
      return try compiled(Variant(shapes: shapes, extension: nil))
    } catch let error as GraphError {
      throw error
    } catch {
      throw GraphError.graph(error: error)
    }
  }

  private func compiled(_ variant: Variant) throws -> CompiledModel {
    let found = cache.withLock { cache -> CompiledModel? in
      guard let index = cache.entries.firstIndex(where: { $0.variant == variant }) else { return nil }
      let entry = cache.entries.remove(at: index)
      cache.entries.append(entry)
      return entry.model
    }
    if let found { return found }
    let compiled = try compile(variant.shapes, variant.extension)
    let model = cache.withLock { cache -> CompiledModel in
      // Another thread may have compiled the same size concurrently.
      if let first = cache.entries.first(where: { $0.variant == variant }) { return first.model }
      cache.entries.append((variant, compiled))
      if cache.entries.count > capacity { cache.entries.removeFirst() }
      return compiled
    }
    keepWithinLimit(expecting: model.arenaByteCount)
    return model
  }

  /// Runs the network on tensors by name.
  ///
  /// - Throws: ``GraphError`` if an input is missing, unknown, or has a shape that the architecture does not support, or if a node is not
  ///   defined for its operands' values; ``GraphError/graph(error:)`` if the graph cannot be made.
  public func run(_ inputs: [String: Tensor]) throws(GraphError) -> [String: Tensor] {
    defer { keepWithinLimit() }
    return try compiled(for: inputs.mapValues(\.shape)).run(inputs)
  }

  /// Runs the network on tensors by name and updates its variables (``Graph/initialVariables`` before the first run).
  ///
  /// - Throws: The errors of ``run(_:)``; ``GraphError/wrongVariable(name:expected:actual:)`` if a variable is missing or has another shape
  ///   or type.
  public func run(_ inputs: [String: Tensor], updating variables: inout Variables) throws(GraphError) -> [String:
    Tensor]
  {
    defer { keepWithinLimit() }
    return try compiled(for: inputs.mapValues(\.shape)).run(inputs, updating: &variables)
  }

  /// Runs a network with one input and returns its first output.
  ///
  /// - Precondition: The network has one input.
  /// - Throws: The errors of ``run(_:)``.
  public func callAsFunction(_ input: Tensor) throws(GraphError) -> Tensor {
    precondition(inputNames.count == 1, "\(name) has \(inputNames.count) inputs")
    return try run([inputNames[0]: input])[outputNames[0]]!
  }

  /// Runs a network of one input with an extension of one output, and returns that output.
  ///
  /// - Parameters:
  ///   - input: The input of the network.
  ///   - extension: The operators after the network.
  ///   - makeOutput: Makes the tensor of the output, given its shape and type.
  /// - Precondition: The network has one input.
  /// - Throws: The errors of ``callAsFunction(_:)`` and of the extension.
  package func run(
    _ input: Tensor, extendedBy extension: any GraphExtension,
    makingOutput makeOutput: (TensorSpec) -> Tensor = { Tensor(uninitialized: $0.shape, of: $0.elementType) }
  ) throws -> Tensor {
    precondition(inputNames.count == 1, "\(name) has \(inputNames.count) inputs")
    let variant = Variant(shapes: [inputNames[0]: input.shape], extension: `extension`)
    defer { keepWithinLimit() }
    let outputs = try compiled(variant).run([inputNames[0]: input], makingOutputs: makeOutput)
    precondition(outputs.count == 1, "an extension of one output has \(outputs.count)")
    return outputs.first!.value
  }
}

extension Graph {
  /// Compiles the graph for the given input shapes. An input that is not given has the shape it was built with.
  ///
  /// - Throws: ``ParameterError`` if the weights do not match the graph, ``GraphError`` if operands do not fit.
  ///
  /// Each weight is released after it is packed. So a caller that does not use the graph again needs only the memory of packed weights.
  public consuming func compiled(
    for shapes: [String: Shape] = [:], parameters: consuming Parameters = .init(),
    on backend: any Backend = OpenBLASBackend(), options: CompileOptions = .init()
  ) throws -> CompiledModel {
    try parameters.validate(for: self)
    return try Compiler(self, parameters, backend, options, PackedWeights()).compile(for: shapes)
  }
}
