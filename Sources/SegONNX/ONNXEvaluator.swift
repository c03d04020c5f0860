import SegEngine

/// Computes nodes whose operands are known: shape arithmetic, constants, and whatever the engine has no operator for.
///
/// It is used when a graph is made, for values that do not depend on the network's inputs, and as the body of ``HostOperator`` while
/// the network runs. Where the import has a rule for a node, the engine's operators compute it (`engineResults`). For other operators and
/// element types there are functions here: the operator's definition in plain loops over row-major tensors.
enum ONNXEvaluator {
  typealias Function = @Sendable (ONNXNode, [ONNXConstant?]) throws(ONNXFailure) -> [ONNXConstant]

  /// The most a node may ask for; what is beyond is refused before memory is taken or time is spent.
  struct Limits: Sendable {
    /// Elements of one result.
    var elements = 1 << 31
    /// Products, comparisons or sums of elements.
    var operations = 1 << 50
  }

  /// The limits of the current task: while a file is being read they are narrow, while a network runs they are wide.
  @TaskLocal static var limits = Limits()

  /// The operators of ONNX's own domain that are computed here, by name; for some, only what the engine does not take.
  static let functions: [String: Function] = {
    var functions: [String: Function] = [:]
    for family in families {
      for (name, body) in family { functions[name] = function(body) }
    }
    return functions
  }()

  private static func function(_ body: @escaping Body) -> Function {
    { (node, inputs) throws(ONNXFailure) in try body(ONNXCall(node: node, inputs: inputs)) }
  }

  /// The results of a node, in its order; `nil` where neither the engine nor a function here takes it.
  static func results(of node: ONNXNode, _ inputs: [ONNXConstant?]) throws(ONNXFailure) -> [ONNXConstant]? {
    if let results = try engineResults(of: node, inputs) { return results }
    return try functions[node.kind]?(node, inputs)
  }

  /// The results of a node, in its order.
  static func evaluate(_ node: ONNXNode, _ inputs: [ONNXConstant?]) throws(ONNXFailure) -> [ONNXConstant] {
    if let results = try results(of: node, inputs) { return results }
    guard isEngines(node.kind) else { throw ONNXFailure("is not supported") }
    let operands = inputs.map { $0.map { "\($0.type) \($0.shape)" } ?? "none" }.joined(separator: ", ")
    throw ONNXFailure("its operands (\(operands)) do not fit, or its attributes are not supported")
  }

  /// What an operator does.
  typealias Body = @Sendable (ONNXCall) throws(ONNXFailure) -> [ONNXConstant]

  private static var families: [[String: Body]] {
    [
      shapes, movement, selection, scattering, arithmetic, logic, unary, curved, reductions,
      products, pooling, resizing, sampling, quantization,
    ]
  }
}
