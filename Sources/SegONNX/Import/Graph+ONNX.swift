import SegEngine

extension ONNXModel {
  /// What the caller may say about an input when a graph is made.
  public struct Input: Sendable {
    /// The name in the file.
    public let name: String
    /// Its extents as the file states them, `nil` where it leaves one open; `nil` where it states none.
    public let shape: [Int?]?
    /// How tensors hold it; `nil` where the file does not say or it is a type that is not read.
    public let elementType: ElementType?
  }

  /// The inputs that are not weights, in the file's order.
  public var inputs: [Input] {
    dataInputs.map { port in
      Input(
        name: port.name,
        shape: port.shape.map { $0.map { if case .fixed(let extent) = $0 { extent } else { nil } } },
        elementType: port.type?.elementType)
    }
  }

  /// The names of the outputs, in the file's order.
  public var outputs: [String] { graph.outputs.map(\.name) }

  // Files up to IR version 3 list weights among the inputs too.
  var dataInputs: [ONNXGraph.Port] { graph.inputs.filter { graph.initializers[$0.name] == nil } }

  /// The operators that a graph of this file would need and that are not supported; none where it can be run.
  public var unsupportedOperators: [ONNXError.Unsupported] { ONNXImporter.unsupported(in: graph) }

  /// How often each operator occurs, branches included.
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

  /// The engine's graph of this file for concrete input shapes.
  ///
  /// An input whose shape the file leaves open needs one in `shapes`, in the file's order of axes (a batch that is open and not
  /// named is 1). Shape arithmetic is computed for these shapes, so the graph serves them alone.
  ///
  /// With `channelsLast`, inputs and outputs of rank 4 that the file has as `[batch, channels, height, width]` are `[batch, height,
  /// width, channels]` in the graph, and nothing is transposed on the way in or out; `shapes` stay in the file's order.
  ///
  /// - Throws: ``ONNXError`` for operators that are not supported (all at once), for a node that does not fit its operands,
  ///   and for inputs without a shape.
  public func graph(
    inputs shapes: [String: Shape] = [:], channelsLast isChannelsLast: Bool = false
  ) throws -> Graph {
    try graph(inputs: shapes, values: [:], channelsLast: isChannelsLast)
  }

  /// As ``graph(inputs:channelsLast:)``, with inputs whose values are known beforehand, which are then none of the graph's.
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

  /// A graph of the file's nodes between inputs that `inputs` defines and outputs that `outputs` takes.
  func makeGraph(
    inputs: (ONNXImporter) throws -> Void, outputs: (ONNXImporter) throws -> Void
  ) throws -> Graph {
    let unsupported = unsupportedOperators
    guard unsupported.isEmpty else { throw ONNXError(path, .unsupportedOperators(unsupported)) }
    do {
      return try Graph(graph.name.isEmpty ? "ONNX" : graph.name) { builder in
        let importer = ONNXImporter(builder)
        try inputs(importer)
        // What is computed beforehand is shapes and weights; a file that asks for more is refused before it takes the memory.
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
      throw ONNXError(path, .malformed(reason: "\(error)"))
    }
  }

  private func shape(of port: ONNXGraph.Port, given: Shape?) throws(ONNXError) -> Shape {
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
  /// What the nodes compute for an output of the file.
  func value(ofOutput name: String, in file: ONNXModel) throws(ONNXError) -> ONNXValue {
    guard let value = values[name] else {
      throw ONNXError(file.path, .malformed(reason: "its output \(name) is computed nowhere"))
    }
    return value
  }
}

extension Graph {
  /// The network of an ONNX file for concrete input shapes, weights included; see ``ONNXModel/graph(inputs:channelsLast:)``.
  ///
  /// - Throws: ``ONNXError``.
  public init(onnx path: String, inputs shapes: [String: Shape] = [:], channelsLast: Bool = false) throws {
    self = try ONNXModel(contentsOf: path).graph(inputs: shapes, channelsLast: channelsLast)
  }
}

extension ONNXModel {
  /// Number of values in floating-point initialisers.
  public var parameterCount: Int {
    graph.initializers.values.reduce(0) { $0 + ($1.type.isFloat ? $1.tensor.count : 0) }
  }

  /// The graph for images of a height and width: the open spatial extents of the first input become these, other open extents 1.
  /// Without a size they stay as the file states them.
  ///
  /// - Throws: ``ONNXError``, also where the file states another size.
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

  /// The order of axes of the first input in one word, such as `nchw`, where it is an image.
  public var imageLayout: String? {
    dataInputs.first.flatMap { try? ONNXImageInput($0, of: graph).layout }
  }
}

extension Model {
  /// The network of an ONNX file, for inputs of any shape that the file allows; see ``ONNXModel/graph(inputs:channelsLast:)`` for
  /// `channelsLast`.
  ///
  /// - Throws: ``ONNXError`` where operators are not supported; what depends on shapes is thrown when they are known.
  public convenience init(
    _ file: ONNXModel, channelsLast isChannelsLast: Bool = false, on backend: any Backend = OpenBLASBackend(),
    options: CompileOptions = .init()
  ) throws(ONNXError) {
    let unsupported = file.unsupportedOperators
    guard unsupported.isEmpty else { throw ONNXError(file.path, .unsupportedOperators(unsupported)) }
    self.init(
      name: file.path, inputNames: file.inputs.map(\.name), outputNames: file.outputs, on: backend, options: options
    ) { shapes in
      // Shapes come as tensors lie, and the file means them in its own order.
      let meant = shapes.mapValues { shape in
        isChannelsLast && shape.rank == 4 ? Shape([shape[0], shape[3], shape[1], shape[2]]) : shape
      }
      return try file.graph(inputs: meant, channelsLast: isChannelsLast)
    }
  }
}
