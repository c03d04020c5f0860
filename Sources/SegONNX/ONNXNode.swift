/// One node of an ONNX graph.
struct ONNXNode: Sendable {
  /// Its name, or that of its first output where it has none.
  let name: String
  /// The operator's name.
  let kind: String
  /// The operator's domain; empty for ONNX's own.
  let domain: String
  /// The version of the domain's operator set that the file was written for.
  let opset: Int
  /// Names of its operands; empty where an optional one is left out.
  let inputs: [String]
  /// Names of its results; empty where one is not wanted.
  let outputs: [String]
  /// The attributes.
  let attributes: ONNXAttributes
}

/// A node's attributes by name.
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
  }

  let values: [String: Value]

  init(_ values: [String: Value] = [:]) { self.values = values }

  func has(_ name: String) -> Bool { values[name] != nil }

  /// - Throws: ``ONNXFailure`` where the attribute is of another kind; likewise the members below.
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

/// A graph as a file has it: the network itself, or a branch of an `If`.
struct ONNXGraph: Sendable {
  /// An input or output with what the file says of it.
  struct Port: Sendable {
    /// The extent of an axis as the file states it.
    enum Extent: Sendable, Hashable {
      case fixed(Int)
      case symbol(String)
      case unknown
    }

    let name: String
    /// `nil` where the file does not say, or it is no tensor.
    let type: ONNXElement?
    /// `nil` where the file does not say.
    let shape: [Extent]?
  }

  var name = ""
  var nodes: [ONNXNode] = []
  var inputs: [Port] = []
  var outputs: [Port] = []
  var initializers: [String: ONNXConstant] = [:]
}
