/// The functions of a file (`ModelProto.functions`). A node that calls one is replaced by the function's nodes when the
/// file is read.
struct ONNXFunctions {
  private struct Key: Hashable {
    let domain: String
    let name: String
    let overload: String
  }

  /// The number of nodes that calls may add, so that functions that call each other cannot grow without bound.
  private final class Budget {
    var nodes = 1 << 20
  }

  private let functions: [Key: Onnx_FunctionProto]
  private let budget = Budget()

  /// Indexes the functions of a file by domain and name.
  ///
  /// - Throws: ``ONNXFailure`` if two functions have the same name.
  init(_ messages: [Onnx_FunctionProto] = []) throws(ONNXFailure) {
    var functions: [Key: Onnx_FunctionProto] = [:]
    for message in messages {
      let key = Key(domain: ONNXNode.domain(message.domain), name: message.name, overload: message.overload)
      guard functions.updateValue(message, forKey: key) == nil else {
        throw ONNXFailure("two functions are named \(message.name)")
      }
    }
    self.functions = functions
  }

  /// Returns the function that a node calls; `nil` if it calls none.
  func function(of node: Onnx_NodeProto) -> Onnx_FunctionProto? {
    if functions.isEmpty { return nil }
    return functions[
      Key(domain: ONNXNode.domain(node.domain), name: node.opType, overload: node.overload)]
  }

  /// Counts nodes against the limit.
  ///
  /// - Throws: ``ONNXFailure`` if the limit is exceeded.
  func spend(_ nodes: Int) throws(ONNXFailure) {
    budget.nodes -= nodes
    guard budget.nodes >= 0 else { throw ONNXFailure("its functions call each other without end") }
  }
}

extension ONNXReader {
  /// The number of functions that may call one another.
  private static let depthLimit = 64

  /// Returns the nodes of a function, in the place of a node that calls it.
  ///
  /// Inputs and outputs get the names that the calling node gives them, attributes the calling node's values, else the
  /// function's defaults (IR, "Functions"). All other names begin with the name of the node's first output, so that they
  /// differ from those of the caller and of other calls.
  func body(of function: Onnx_FunctionProto, calledBy call: Onnx_NodeProto, number: Int) throws -> [ONNXNode] {
    let output = call.output.first { !$0.isEmpty } ?? "node \(number)"
    let name = call.name.isEmpty ? output : call.name
    guard depth < ONNXReader.depthLimit else { throw ONNXFailure("\(name) calls a function that calls itself") }
    guard call.input.count <= function.input.count, call.output.count <= function.output.count else {
      throw ONNXFailure(
        "\(name) calls \(function.name) with \(call.input.count) inputs and \(call.output.count) outputs, not "
          + "\(function.input.count) and \(function.output.count)")
    }
    try functions.spend(function.node.count + 1)
    var attributes: [String: Onnx_AttributeProto] = [:]
    for attribute in function.attributeProto { attributes[attribute.name] = attribute }
    for attribute in call.attribute { attributes[attribute.name] = attribute }
    var reader = self
    reader.depth += 1
    for entry in function.opsetImport {
      reader.opsets[ONNXNode.domain(entry.domain)] = Int(clamping: entry.version)
    }
    let nodes = try reader.nodes(function.node.map { ONNXReader.bound($0, to: attributes) })
    // An output that is an input, too, is copied.
    var names: [String: String] = [:]
    var copies: [ONNXNode] = []
    for (index, formal) in function.input.enumerated() {
      names[formal] = index < call.input.count ? call.input[index] : ""
    }
    for (index, formal) in function.output.enumerated() where index < call.output.count && !call.output[index].isEmpty {
      if let given = names[formal] {
        copies.append(.identity(given, as: call.output[index], opset: opsets[""] ?? 1))
      } else {
        names[formal] = call.output[index]
      }
    }
    return nodes.map { $0.renamed(prefix: name + "::") { names[$0] ?? "\(output)::\($0)" } } + copies
  }

  /// Returns a node of a function with the attributes that it takes from the calling node. An attribute that the calling
  /// node does not give is left out.
  private static func bound(_ node: Onnx_NodeProto, to attributes: [String: Onnx_AttributeProto]) -> Onnx_NodeProto {
    var node = node
    node.attribute = node.attribute.compactMap { attribute in
      if !attribute.refAttrName.isEmpty {
        var given = attributes[attribute.refAttrName]
        given?.name = attribute.name
        return given
      }
      guard attribute.hasG else { return attribute }
      var attribute = attribute
      attribute.g.node = attribute.g.node.map { bound($0, to: attributes) }
      return attribute
    }
    return node
  }
}

extension ONNXNode {
  /// Returns a node that copies a value.
  static func identity(_ input: String, as output: String, opset: Int) -> ONNXNode {
    ONNXNode(
      name: output, kind: "Identity", domain: "", opset: opset, inputs: [input], outputs: [output],
      attributes: ONNXAttributes())
  }

  /// Returns the node with other names of values, also in its graphs. `rename` is not called for the empty name of an
  /// omitted value.
  ///
  /// - Parameter prefix: A text before the node's own name.
  func renamed(prefix: String = "", _ rename: (String) -> String) -> ONNXNode {
    func all(_ names: [String]) -> [String] { names.map { $0.isEmpty ? "" : rename($0) } }
    let values = attributes.values.mapValues { value -> ONNXAttributes.Value in
      if case .graph(let graph) = value { .graph(graph.renamed(prefix: prefix, rename)) } else { value }
    }
    return ONNXNode(
      name: prefix + name, kind: kind, domain: domain, opset: opset, inputs: all(inputs), outputs: all(outputs),
      attributes: ONNXAttributes(values))
  }
}

extension ONNXGraph {
  /// Returns the graph with other names of values.
  func renamed(prefix: String = "", _ rename: (String) -> String) -> ONNXGraph {
    func ports(_ ports: [Port]) -> [Port] {
      ports.map { Port(name: $0.name.isEmpty ? "" : rename($0.name), type: $0.type, shape: $0.shape) }
    }
    var graph = self
    graph.nodes = nodes.map { $0.renamed(prefix: prefix, rename) }
    (graph.inputs, graph.outputs) = (ports(inputs), ports(outputs))
    graph.initializers = Dictionary(uniqueKeysWithValues: initializers.map { (rename($0), $1) })
    graph.unread = Dictionary(uniqueKeysWithValues: unread.map { (rename($0), $1) })
    return graph
  }

  /// The names that the graph itself defines, also those in graphs of its nodes.
  var definedNames: Set<String> {
    var names = Set(inputs.map(\.name)).union(initializers.keys).union(unread.keys)
    for node in nodes {
      names.formUnion(node.outputs)
      for case .graph(let inner) in node.attributes.values.values { names.formUnion(inner.definedNames) }
    }
    return names
  }
}
