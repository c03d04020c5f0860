/// A node of an ONNX graph (`NodeProto`).
struct ONNXNode: Sendable {
  /// The name of the node, or of its first output if the node has no name.
  let name: String
  /// The operator type, such as `Conv`.
  let kind: String
  /// The domain of the operator; empty for the default domain `ai.onnx`.
  let domain: String
  /// The version of the domain's operator set that the file imports.
  let opset: Int
  /// The names of the inputs; empty for an omitted optional input.
  let inputs: [String]
  /// The names of the outputs; empty for an omitted optional output.
  let outputs: [String]
  /// The attributes by name.
  let attributes: ONNXAttributes

  /// The operator type with its domain, as tables of operators have it: `Conv`, `com.microsoft.FusedConv`.
  var operatorName: String { domain.isEmpty ? kind : "\(domain).\(kind)" }

  /// Returns the index of an axis; negative numbers count from the last axis.
  static func axis(_ axis: Int, of rank: Int) throws(ONNXFailure) -> Int {
    guard axis >= -rank, axis < rank else { throw ONNXFailure("there is no axis \(axis) in rank \(rank)") }
    return axis < 0 ? axis + rank : axis
  }

  /// Returns a domain as it is compared: `ai.onnx` is the domain without a name.
  static func domain(_ name: String) -> String { name == "ai.onnx" ? "" : name }
}

/// The attributes of a node by name.
struct ONNXAttributes: Sendable {
  enum Value: Sendable {
    case float(Float)
    case int(Int)
    case string(String)
    case tensor(ONNXConstant)
    case floats([Float])
    case ints([Int])
    case strings([String])
    case graph(ONNXGraph)
    /// A value that is not read, with the reason. It is an error only where it is used.
    case unread(String)
  }

  let values: [String: Value]

  init(_ values: [String: Value] = [:]) { self.values = values }

  func has(_ name: String) -> Bool { values[name] != nil }

  /// Returns an integer attribute; `nil` if the node does not have it.
  ///
  /// - Throws: ``ONNXFailure`` if the attribute has another type, as the other functions do.
  func int(_ name: String) throws(ONNXFailure) -> Int? {
    switch values[name] {
    case nil: nil
    case .int(let value): value
    default: throw mismatch(name, "an integer")
    }
  }

  func int(_ name: String, default value: Int) throws(ONNXFailure) -> Int { try int(name) ?? value }

  func flag(_ name: String, default value: Bool = false) throws(ONNXFailure) -> Bool {
    try int(name).map { $0 != 0 } ?? value
  }

  func float(_ name: String) throws(ONNXFailure) -> Float? {
    switch values[name] {
    case nil: nil
    case .float(let value): value
    default: throw mismatch(name, "a float")
    }
  }

  func float(_ name: String, default value: Float) throws(ONNXFailure) -> Float { try float(name) ?? value }

  func string(_ name: String) throws(ONNXFailure) -> String? {
    switch values[name] {
    case nil: nil
    case .string(let value): value
    default: throw mismatch(name, "a string")
    }
  }

  func string(_ name: String, default value: String) throws(ONNXFailure) -> String { try string(name) ?? value }

  func ints(_ name: String) throws(ONNXFailure) -> [Int]? {
    switch values[name] {
    case nil: nil
    case .ints(let values): values
    default: throw mismatch(name, "a list of integers")
    }
  }

  func floats(_ name: String) throws(ONNXFailure) -> [Float]? {
    switch values[name] {
    case nil: nil
    case .floats(let values): values
    default: throw mismatch(name, "a list of floats")
    }
  }

  func tensor(_ name: String) throws(ONNXFailure) -> ONNXConstant? {
    switch values[name] {
    case nil: nil
    case .tensor(let value): value
    case .unread(let reason): throw ONNXFailure(reason)
    default: throw mismatch(name, "a tensor")
    }
  }

  func graph(_ name: String) throws(ONNXFailure) -> ONNXGraph? {
    switch values[name] {
    case nil: nil
    case .graph(let graph): graph
    default: throw mismatch(name, "a graph")
    }
  }

  private func mismatch(_ name: String, _ expected: String) -> ONNXFailure {
    ONNXFailure("its attribute \(name) is not \(expected)")
  }
}

/// A graph of a file (`GraphProto`): the network itself, or a branch of an `If` node.
struct ONNXGraph: Sendable {
  /// A graph input or output with its declared type and shape (`ValueInfoProto`).
  struct Port: Sendable {
    /// The declared extent of an axis: a number, a symbolic name (`dim_param`), or not declared.
    enum Extent: Sendable, Hashable {
      case fixed(Int)
      case symbol(String)
      case unknown
    }

    let name: String
    /// The element type; `nil` if it is not declared or not supported, or if the value is not a tensor.
    let type: ONNXElement?
    /// The extents in the file's axis order; `nil` if they are not declared.
    let shape: [Extent]?
  }

  var name = ""
  var nodes: [ONNXNode] = []
  var inputs: [Port] = []
  var outputs: [Port] = []
  var initializers: [String: ONNXConstant] = [:]
  /// The initialisers that are not read, with the reason. They are an error only where they are used.
  var unread: [String: String] = [:]
}
