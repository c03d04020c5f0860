/// An operator that infers properties of its outputs from those of its inputs.
///
/// For other operators nothing is inferred, except that axes follow those of inputs of the same rank.
package protocol PropertyInferring: Operator {
  /// The properties of each output. Empty axes are filled from inputs of the same rank.
  func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties]
}
