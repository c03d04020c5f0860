import SegEngine

/// Computes nodes whose operands are known: shape arithmetic, constants, and whatever the engine has no operator for.
///
/// Every function is the operator's definition in plain loops over row-major tensors. It serves twice: when a graph is made, for
/// values that do not depend on the network's inputs, and as the body of ``HostOperator`` while the network runs, for element
/// types and operators that the engine itself does not have.
enum ONNXEvaluator {
  typealias Function = @Sendable (ONNXNode, [ONNXConstant?]) throws(ONNXFailure) -> [ONNXConstant]

  /// The operators of ONNX's own domain that can be computed, by name.
  static let functions: [String: Function] = [:]

  /// The results of a node, in its order.
  static func evaluate(_ node: ONNXNode, _ inputs: [ONNXConstant?]) throws(ONNXFailure) -> [ONNXConstant] {
    guard let function = functions[node.kind] else { throw ONNXFailure("is not supported") }
    return try function(node, inputs)
  }
}
