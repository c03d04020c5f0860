import SegEngine

extension ONNXModel {
  /// A graph input of a file.
  public struct Input: Sendable {
    /// The name of the input.
    public let name: String
    /// The declared extents in the file's axis order, `nil` for an unknown extent; `nil` if the file declares no shape.
    public let shape: [Int?]?
    /// The element type of tensors for this input; `nil` if the file declares none or it is not supported.
    public let elementType: ElementType?
  }

  /// The graph inputs in the file's order, without initialisers.
  public var inputs: [Input] {
    dataInputs.map { port in
      Input(
        name: port.name,
        shape: port.shape.map { $0.map { if case .fixed(let extent) = $0 { extent } else { nil } } },
        elementType: port.type?.elementType)
    }
  }

  /// The names of the graph outputs in the file's order.
  public var outputs: [String] { graph.outputs.map(\.name) }

  /// The graph inputs that are not initialisers. (IR versions up to 3 require initialisers to be graph inputs too.)
  var dataInputs: [ONNXGraph.Port] {
    graph.inputs.filter { graph.initializers[$0.name] == nil && graph.unread[$0.name] == nil }
  }

  /// The nodes whose operators are not supported. If there are none, the file can be imported.
  public var unsupportedOperators: [ONNXError.Unsupported] { ONNXImporter.unsupported(in: graph) }

  /// The number of nodes of each operator type, including those in branches of `If` nodes.
  public var operatorCounts: [String: Int] {
    func count(_ graph: ONNXGraph, _ counts: inout [String: Int]) {
      for node in graph.nodes {
        counts[node.domain.isEmpty ? node.kind : "\(node.domain).\(node.kind)", default: 0] += 1
        for case .graph(let branch) in node.attributes.values.values { count(branch, &counts) }
      }
    }
    var counts: [String: Int] = [:]
    count(graph, &counts)
    return counts
  }

  /// Builds the engine's graph for given input shapes.
  ///
  /// An input needs a shape in `shapes` if the file does not declare all its extents; only an unknown extent of the
  /// first axis, the batch, is 1 by default. What depends on shapes alone is computed during import, so the graph is
  /// valid for these shapes only.
  ///
  /// - Parameters:
  ///   - shapes: The shapes of inputs by name, always in the file's axis order.
  ///   - isChannelsLast: Whether inputs and outputs of rank 4 are `[batch, height, width, channels]` in the graph,
  ///     instead of `[batch, channels, height, width]` as in the file. This avoids transpositions of inputs and
  ///     outputs.
  /// - Throws: ``ONNXError`` if operators are not supported (all are listed), if a node does not fit its inputs, or if
  ///   an input's shape is missing or contradicts the file.
  public func graph(
    inputs shapes: [String: Shape] = [:], channelsLast isChannelsLast: Bool = false
  ) throws -> Graph {
    try graph(inputs: shapes, values: [:], channelsLast: isChannelsLast)
  }

  /// Builds the graph as ``graph(inputs:channelsLast:)`` does. The inputs in `values` are constants instead of graph
  /// inputs.
  func graph(
    inputs shapes: [String: Shape], values: [String: ONNXConstant], channelsLast isChannelsLast: Bool
  ) throws -> Graph {
    for name in shapes.keys.sorted() where !dataInputs.contains(where: { $0.name == name }) {
      throw ONNXError(
        path, .input(name: name, reason: "there is none; there are \(dataInputs.map(\.name).joined(separator: ", "))"))
    }
    return try makeGraph { importer in
      for port in dataInputs {
        if let value = values[port.name] {
          importer.define(port.name, ONNXValue(value))
          continue
        }
        let shape = try shape(of: port, given: shapes[port.name])
        guard let type = port.type else {
          throw ONNXError(path, .input(name: port.name, reason: "is of a type that is not read"))
        }
        let order = isChannelsLast ? SegONNX.channelsLast(shape.rank) : Array(0..<shape.rank)
        let lying = isChannelsLast && shape.rank == 4 ? order : Array(0..<shape.rank)
        let value = importer.builder.input(port.name, Shape(lying.map { shape[$0] }), of: type.elementType)
        importer.define(port.name, ONNXValue(type, value, axes: lying))
      }
    } outputs: { importer in
      for port in graph.outputs {
        let value = try importer.value(ofOutput: port.name, in: self)
        let order = isChannelsLast && value.rank == 4 ? SegONNX.channelsLast(4) : Array(0..<value.rank)
        importer.builder.output(port.name, importer.arranged(value, as: order))
      }
    }
  }

  /// Builds a graph with the file's nodes. `inputs` defines the graph's inputs, and `outputs` its outputs.
  ///
  /// - Parameter isPartial: Whether nodes that need values of a run are left out, with what depends on them. If no output
  ///   is left, the first of these nodes is the error.
  func makeGraph(
    isPartial: Bool = false, inputs: (ONNXImporter) throws -> Void, outputs: (ONNXImporter) throws -> Void
  ) throws -> Graph {
    let unsupported = unsupportedOperators
    guard unsupported.isEmpty else { throw ONNXError(path, .unsupportedOperators(unsupported)) }
    let staging = isPartial ? ONNXStaging(isFollowed: false) : nil
    do {
      return try Graph(graph.name.isEmpty ? "ONNX" : graph.name) { builder in
        let importer = ONNXImporter(builder, staging: staging)
        try inputs(importer)
        // During import only shapes and weights are computed. Low limits reject malformed files before they use much
        // memory.
        try ONNXEvaluator.$limits.withValue(.init(elements: 1 << 27, operations: 1 << 31)) {
          try importer.addNodes(of: graph)
        }
        try outputs(importer)
      }
    } catch let failure as ONNXNodeFailure {
      throw ONNXError(path, .node(name: failure.node.name, operator: failure.node.kind, reason: failure.reason))
    } catch let failure as ONNXFailure {
      throw ONNXError(path, .malformed(reason: failure.reason))
    } catch let error as GraphError {
      if case .noOutputs = error, let left = staging?.postponed.first, let failure = left.failure {
        throw ONNXError(path, .node(name: left.node.name, operator: left.node.kind, reason: failure.reason))
      }
      throw ONNXError(path, .malformed(reason: "\(error)"))
    }
  }

  /// Returns the shape of an input, from the declared extents and the given shape.
  func shape(of port: ONNXGraph.Port, given: Shape?) throws(ONNXError) -> Shape {
    guard let stated = port.shape else {
      guard let given else {
        throw ONNXError(path, .input(name: port.name, reason: "the file does not state its shape: give it"))
      }
      return given
    }
    guard let given else {
      var extents: [Int] = []
      for (axis, extent) in stated.enumerated() {
        if case .fixed(let value) = extent {
          extents.append(value)
        } else if axis == 0 {
          extents.append(1)
        } else {
          throw ONNXError(
            path, .input(name: port.name, reason: "the file leaves axis \(axis) of its shape open: give it"))
        }
      }
      guard let shape = Shape(validating: extents) else {
        throw ONNXError(path, .input(name: port.name, reason: "its shape \(extents) is too large"))
      }
      return shape
    }
    let fits =
      given.rank == stated.count
      && zip(given.dimensions, stated).allSatisfy { extent, stated in
        if case .fixed(let value) = stated { value == extent } else { true }
      }
    guard fits else {
      let text = stated.map { extent in
        switch extent {
        case .fixed(let value): "\(value)"
        case .symbol(let name): name
        case .unknown: "?"
        }
      }.joined(separator: ", ")
      throw ONNXError(path, .input(name: port.name, reason: "is [\(text)] in the file, not \(given)"))
    }
    return given
  }
}

extension ONNXImporter {
  /// Returns the value of a graph output.
  func value(ofOutput name: String, in file: ONNXModel) throws(ONNXError) -> ONNXValue {
    if let value = values[name] { return value }
    if let left = staging?.postponed.first, let failure = left.failure, staging?.awaited.contains(name) ?? false {
      throw ONNXError(file.path, .node(name: left.node.name, operator: left.node.kind, reason: failure.reason))
    }
    throw ONNXError(
      file.path,
      .malformed(
        reason: sequences[name] == nil
          ? "its output \(name) is computed nowhere" : "its output \(name) is a sequence of tensors"))
  }
}

extension Graph {
  /// Builds the graph of an ONNX file for given input shapes, weights included; see
  /// ``ONNXModel/graph(inputs:channelsLast:)``.
  ///
  /// - Parameters:
  ///   - path: The path of the file.
  ///   - shapes: The shapes of inputs by name, in the file's axis order.
  ///   - channelsLast: Whether inputs and outputs of rank 4 are `[batch, height, width, channels]` in the graph,
  ///     instead of `[batch, channels, height, width]` as in the file.
  /// - Throws: ``ONNXError``.
  public init(onnx path: String, inputs shapes: [String: Shape] = [:], channelsLast: Bool = false) throws {
    self = try ONNXModel(contentsOf: path).graph(inputs: shapes, channelsLast: channelsLast)
  }
}

extension ONNXModel {
  /// The number of elements of all floating-point initialisers.
  public var parameterCount: Int {
    graph.initializers.values.reduce(0) { $0 + ($1.type.isFloat ? $1.tensor.count : 0) }
  }

  /// Builds the graph for images of a size. The first input gets this height and width; its other unknown extents are
  /// 1, or 3 for channels. Without a size, the declared extents are used.
  ///
  /// - Parameters:
  ///   - size: The height and width of the images, in pixels.
  ///   - isChannelsLast: See ``graph(inputs:channelsLast:)``.
  /// - Throws: ``ONNXError``, in particular if the file declares another size.
  public func graph(forImagesOf size: Extent2D?, channelsLast isChannelsLast: Bool) throws -> Graph {
    var shapes: [String: Shape] = [:]
    if let size, let first = inputs.first {
      shapes[first.name] = try imageShape(of: first, size: size)
    }
    return try graph(inputs: shapes, channelsLast: isChannelsLast)
  }

  private func imageShape(of input: Input, size: Extent2D) throws(ONNXError) -> Shape {
    guard let port = dataInputs.first(where: { $0.name == input.name }) else { return Shape([1]) }
    let image: ONNXImageInput
    do {
      image = try ONNXImageInput(port, of: graph)
    } catch {
      throw ONNXError(path, .input(name: input.name, reason: error.reason))
    }
    return Shape(
      image.axes.enumerated().map { axis, role in
        switch role {
        case .batch: 1
        case .height: size.height
        case .width: size.width
        case .channel: input.shape?[axis] ?? image.channels ?? 3
        }
      })
  }

  /// The axis order of the first input, such as `nchw`; `nil` if the input is not an image.
  public var imageLayout: String? {
    dataInputs.first.flatMap { try? ONNXImageInput($0, of: graph).layout }
  }
}

extension Model {
  /// Creates a model of an ONNX file, for inputs of all shapes that the file allows.
  ///
  /// - Parameters:
  ///   - file: The network.
  ///   - isChannelsLast: Whether inputs and outputs of rank 4 are `[batch, height, width, channels]`; see
  ///     ``ONNXModel/graph(inputs:channelsLast:)``.
  ///   - backend: The backend that runs the network.
  ///   - options: The options of compilation.
  /// - Throws: ``ONNXError`` if operators are not supported. Errors that depend on shapes are thrown when the model is
  ///   compiled for them.
  public convenience init(
    _ file: ONNXModel, channelsLast isChannelsLast: Bool = false, on backend: any Backend = OpenBLASBackend(),
    options: CompileOptions = .init()
  ) throws(ONNXError) {
    let unsupported = file.unsupportedOperators
    guard unsupported.isEmpty else { throw ONNXError(file.path, .unsupportedOperators(unsupported)) }
    self.init(
      name: file.path, inputNames: file.inputs.map(\.name), outputNames: file.outputs, on: backend, options: options
    ) { shapes in
      // The model's shapes have the tensors' axis order; `graph(inputs:)` takes the file's.
      let meant = shapes.mapValues { shape in
        isChannelsLast && shape.rank == 4 ? Shape([shape[0], shape[3], shape[1], shape[2]]) : shape
      }
      return try file.graph(inputs: meant, channelsLast: isChannelsLast)
    }
  }
}
