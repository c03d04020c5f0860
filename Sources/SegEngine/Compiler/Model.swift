import Synchronization

/// A network with its weights: runs inputs of any size, compiling once for each size and keeping the last few.
///
/// What is kept between runs are, of each size, packed weights, which sizes share as far as they can, and the memory of intermediate
/// results, once for each of the runs that there were at once. ``memoryLimit`` bounds it, ``releaseMemory()`` lets it go. The weights as
/// they were given stay with the model.
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
  /// The storages of the weights as they were given.
  private let givenStorages: Set<ObjectIdentifier>
  private let cache: Mutex<Cache>

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

  /// What is kept between runs.
  private struct Cache {
    var memoryLimit: Int?
    /// The compiled sizes, the one that ran longest ago first.
    var entries: [(variant: Variant, model: CompiledModel)] = []

    /// Bytes of weights, constants and workspaces, each once, but for the given weights.
    func byteCount(besides given: Set<ObjectIdentifier>) -> Int {
      var seen = given
      return entries.reduce(0) { sum, entry in
        entry.model.heldTensors.reduce(sum + entry.model.parkedByteCount) { sum, tensor in
          seen.insert(ObjectIdentifier(tensor.storage)).inserted ? sum + tensor.byteCount : sum
        }
      }
    }
  }

  /// Joins an architecture and its weights; `capacity` compiled sizes are kept, within `memoryLimit` bytes where there is a limit.
  ///
  /// - Throws: ``ParameterError`` where the weights are not those of the graph.
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

  /// A network whose graph, weights included, is made anew for each set of input shapes, as that of a file whose shape arithmetic
  /// is computed beforehand; `capacity` compiled sizes are kept, each with weights of its own, within `memoryLimit` bytes where there is
  /// a limit.
  public init(
    name: String, inputNames: [String], outputNames: [String], on backend: any Backend = OpenBLASBackend(),
    options: CompileOptions = .init(), keeping capacity: Int = 2, memoryLimit: Int? = nil,
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
        `extension`.map { try graph.extended(by: $0, for: [:]) } ?? graph, .init(), backend, options, PackedWeights()
      ).compile(for: [:])
    }
  }

  /// The most bytes that are kept between runs; `nil`, the default, where the number of sizes alone is limited.
  ///
  /// What is beyond the limit is let go before a new size runs and after every run: the memory of intermediate results first, that of
  /// the size that ran longest ago before the others', and then compiled sizes in the same order. A run itself takes what it needs: below
  /// what one size takes, memory is taken anew in every run, and below its weights the network is compiled anew in every run.
  public var memoryLimit: Int? {
    get { cache.withLock { $0.memoryLimit } }
    set {
      cache.withLock { $0.memoryLimit = newValue }
      keepWithinLimit()
    }
  }

  /// Bytes that are kept between runs: packed weights, constants that compiling made, and the memory of intermediate results.
  public var keptByteCount: Int { cache.withLock { $0.byteCount(besides: givenStorages) } }

  /// Lets go of everything that is kept between runs; the next run compiles anew. What runs at the moment, and what the caller holds
  /// (``compiled(for:)``), goes with its last holder.
  public func releaseMemory() {
    let released = cache.withLock { cache in
      defer { cache.entries = [] }
      return cache.entries.map(\.model)
    }
    for model in released { model.releaseWorkspaces() }
  }

  /// Lets go of what is beyond the limit, `upcoming` bytes that the size which was asked for last is about to take counted in. Those alone
  /// are no reason to let that size go.
  private func keepWithinLimit(expecting upcoming: Int = 0) {
    cache.withLock { cache in
      guard let limit = cache.memoryLimit else { return }
      func isBeyond(_ upcoming: Int) -> Bool { cache.byteCount(besides: givenStorages) + upcoming > limit }
      for entry in cache.entries where isBeyond(upcoming) { entry.model.releaseWorkspaces() }
      while cache.entries.count > 1, isBeyond(upcoming) { cache.entries.removeFirst() }
      if isBeyond(0) { cache.entries = [] }
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
      guard let index = cache.entries.firstIndex(where: { $0.variant == variant }) else { return nil }
      let entry = cache.entries.remove(at: index)
      cache.entries.append(entry)
      return entry.model
    }
    if let found { return found }
    let compiled = try compile(variant.shapes, variant.extension)
    let model = cache.withLock { cache -> CompiledModel in
      // Another thread may have compiled the same size in the meantime.
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
  /// - Throws: ``GraphError`` where an input is missing, unknown, or of a shape that the architecture cannot take, or a node is not
  ///   defined for the values that it meets; what making the graph throws.
  public func run(_ inputs: [String: Tensor]) throws -> [String: Tensor] {
    defer { keepWithinLimit() }
    return try compiled(for: inputs.mapValues(\.shape)).run(inputs)
  }

  /// Runs the network on tensors by name and updates its variables (``Graph/initialVariables`` before the first run).
  ///
  /// - Throws: as ``run(_:)``; ``GraphError/wrongVariable(name:expected:actual:)`` where a variable is missing or of another shape or type.
  public func run(_ inputs: [String: Tensor], updating variables: inout Variables) throws -> [String: Tensor] {
    defer { keepWithinLimit() }
    return try compiled(for: inputs.mapValues(\.shape)).run(inputs, updating: &variables)
  }

  /// Runs a network of one input and gives its first output.
  ///
  /// - Precondition: the network has one input.
  /// - Throws: as ``run(_:)``.
  public func callAsFunction(_ input: Tensor) throws -> Tensor {
    precondition(inputNames.count == 1, "\(name) has \(inputNames.count) inputs")
    return try run([inputNames[0]: input])[outputNames[0]]!
  }

  /// Runs a network of one input with what is computed behind it, which has one output, and gives that.
  ///
  /// - Parameters:
  ///   - input: What the network is run on.
  ///   - extension: What is computed behind it.
  ///   - makeOutput: Makes the tensor of the output for its shape and type.
  /// - Precondition: the network has one input.
  /// - Throws: as ``callAsFunction(_:)``, and what the extension throws.
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
