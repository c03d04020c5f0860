/// An operator that says what is true of its outputs by what is true of its inputs.
///
/// Of any other operator's outputs nothing is known but that axes follow those of its inputs of the same rank.
package protocol PropertyInferring: Operator {
  /// One for each output. Where axes are left empty they follow those of the inputs of the same rank.
  func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties]
}
