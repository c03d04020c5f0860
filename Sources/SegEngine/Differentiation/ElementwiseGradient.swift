/// The gradient of a function of each element: dx = dy · f′(x).
///
/// Inputs: dy of any shape, and x, or with ``readsValue`` f(x), of the same shape. Output: the same shape. Where the function's value tells
/// the derivative (ReLU, sigmoid, tanh …), the value is read, so that x need not be kept. The derivative at a bend is PyTorch's.
package struct ElementwiseGradient: Operator {
  package static let name = "ElementwiseGradient"

  /// The function.
  package let function: ElementwiseFunction
  /// Whether input 1 is the function's value.
  package let readsValue: Bool

  /// Makes the operator.
  package init(_ function: ElementwiseFunction) {
    precondition(function.isDifferentiable, "\(function) has no derivative")
    self.function = function
    readsValue = function.valueTellsDerivative
  }

  package var attributes: String { "\(function)" }
  package var latencyKind: String { "\(Self.name) \(function.name)" }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 2...2)
    try requireFloat(inputs[0])
    try require(inputs[0] == inputs[1], "the gradient \(inputs[0]) does not fit \(inputs[1])")
    return [inputs[0]]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(
      otherOperations: (1 + function.operationCount) * outputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package func overwritableInputs(of count: Int) -> [Int] { [0, 1] }
  package var takesRowStrides: Bool { true }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (function, readsValue) = (function, readsValue)
    return PreparedOperator { context in
      let (dy, x, dx) = (context.input(0), context.input(1), context.output())
      if dy.isContiguous && x.isContiguous && dx.isContiguous {
        context.workers.forEachRange(dx.shape.elementCount, grain: 8192) { range, _ in
          let first = range.lowerBound
          context.kernels.mapGradient(
            function, ofValue: readsValue, dy.floats + first, x.floats + first, dx.floats + first, count: range.count)
        }
      } else {
        let channels = dx.shape.channels
        context.workers.forEachRange(dx.shape.rows, grain: max(1, 8192 / max(1, channels))) { rows, _ in
          for row in rows {
            context.kernels.mapGradient(
              function, ofValue: readsValue, dy.floats + row * dy.rowStride, x.floats + row * x.rowStride,
              dx.floats + row * dx.rowStride, count: channels)
          }
        }
      }
    }
  }
}
