/// The gradient of a maximum or minimum of two tensors with respect to one of them: dy where that operand was chosen, half of it where both
/// are equal (PyTorch's rule), else 0.
///
/// Inputs: dy, the operand, and the other operand; the operands broadcast to the shape of dy. Output: the shape of dy.
package struct ChoiceGradient: BroadcastGradient {
  package static let name = "ChoiceGradient"

  /// Whether the larger operand was chosen, or the smaller.
  package let ofLargest: Bool

  package init(ofLargest: Bool) { self.ofLargest = ofLargest }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 2 * outputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let sign: Float = ofLargest ? 1 : -1
    return prepared(context) { dy, operand, other in
      let difference = sign * (operand - other)
      return difference > 0 ? dy : difference == 0 ? dy / 2 : 0
    }
  }
}
