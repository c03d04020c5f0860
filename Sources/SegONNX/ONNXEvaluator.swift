import SegEngine

/// Evaluates single nodes with known inputs.
///
/// It has two uses: constant folding during import, for values that do not depend on the network's inputs, and
/// ``HostOperator``, which runs nodes that the engine has no operator for. If an import rule accepts a node, the
/// engine's operators compute it (`engineResults`). Other operators and element types are computed by the functions in
/// this folder, which implement the operators' definitions with plain loops over row-major tensors.
enum ONNXEvaluator {
  typealias Function = @Sendable (ONNXNode, [ONNXConstant?]) throws(ONNXFailure) -> [ONNXConstant]

  /// The limits for one node. A node that exceeds them is rejected before memory is allocated.
  struct Limits: Sendable {
    /// The number of elements of one output.
    var elements = 1 << 31
    /// The number of multiplications, comparisons or additions of elements.
    var operations = 1 << 50
  }

  /// The limits of the current task. They are lower during import than while a network runs.
  @TaskLocal static var limits = Limits()

  /// The functions of this evaluator by operator type, for operators of the domain `ai.onnx`. Some of them compute only
  /// the cases that the engine does not support, such as integers.
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

  /// Returns the outputs of a node in their order; `nil` if neither the engine nor a function of this evaluator
  /// supports it.
  static func results(of node: ONNXNode, _ inputs: [ONNXConstant?]) throws(ONNXFailure) -> [ONNXConstant]? {
    if let results = try engineResults(of: node, inputs) { return results }
    return try functions[node.operatorName]?(node, inputs)
  }

  /// Returns the outputs of a node in their order.
  ///
  /// - Throws: ``ONNXFailure`` if the node is not supported or its inputs are invalid.
  static func evaluate(_ node: ONNXNode, _ inputs: [ONNXConstant?]) throws(ONNXFailure) -> [ONNXConstant] {
    if let results = try results(of: node, inputs) { return results }
    guard isEngines(node.operatorName) else { throw ONNXFailure("is not supported") }
    let operands = inputs.map { $0.map { "\($0.type) \($0.shape)" } ?? "none" }.joined(separator: ", ")
    throw ONNXFailure("its operands (\(operands)) do not fit, or its attributes are not supported")
  }

  /// The implementation of an operator.
  typealias Body = @Sendable (ONNXCall) throws(ONNXFailure) -> [ONNXConstant]

  private static var families: [[String: Body]] {
    [
      shapes, movement, selection, scattering, arithmetic, logic, unary, curved, reductions,
      products, pooling, resizing, sampling, quantization, suppression, caches,
    ]
  }
}
