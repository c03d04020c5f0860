/// The gradient of a reduction whose derivative depends on all elements that are reduced to one.
///
/// - Maximum and minimum: dy shared equally among the elements that are equal to the result (PyTorch's rule of `amax`).
/// - Product: dy times the product of the other elements, also where elements are zero.
/// - Norm: dy · x / norm, and 0 where the norm is 0.
///
/// Inputs: dy with reduced axes of extent 1; x; the result y, of the shape of dy. Output: the shape of x.
package struct ReductionGradient: Operator {
  package static let name = "ReductionGradient"

  /// The reduction: maximum, minimum, product or norm.
  package let operation: Reduce.Operation
  /// The reduced axes, from the front.
  package let axes: [Int]

  /// Makes the operator.
  package init(_ operation: Reduce.Operation, axes: [Int]) {
    precondition(
      [.maximum, .minimum, .product, .norm].contains(operation),
      "the gradient of a \(operation) is a product of tensors")
    self.operation = operation
    self.axes = axes
  }

  package var attributes: String { "\(operation.rawValue) over \(axes)" }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 3...3)
    for input in inputs { try requireFloat(input) }
    let reduced = Shape(
      inputs[1].shape.dimensions.enumerated().map { axes.contains($0.offset) ? 1 : $0.element })
    try require(
      inputs[0].shape == reduced && inputs[2].shape == reduced,
      "the gradient of a reduction of \(inputs[1]) over \(axes) is \(reduced), not \(inputs[0])")
    return [inputs[1]]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 3 * inputs[1].shape.elementCount, reading: inputs, writing: outputs)
  }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let x = context.inputs[1].shape
    let strides = x.strides
    // The offsets of the elements that are reduced to one, and the places of the results.
    func offsets(_ axes: [Int]) -> ContiguousArray<Int> {
      var offsets = ContiguousArray([0])
      for axis in axes {
        offsets = ContiguousArray(
          offsets.flatMap { offset in (0..<x[axis]).map { offset + $0 * strides[axis] } })
      }
      return offsets
    }
    let kept = offsets(x.dimensions.indices.filter { !axes.contains($0) })
    let reduced = offsets(axes)
    let operation = operation
    return PreparedOperator { context in
      let (dy, x, y) = (context.input(0).floats, context.input(1).floats, context.input(2).floats)
      let dx = context.output().floats
      context.workers.forEachRange(kept.count, grain: max(1, 4096 / max(1, reduced.count))) { range, _ in
        for index in range {
          let (x, dx) = (x + kept[index], dx + kept[index])
          switch operation {
          case .product: ReductionGradient.product(dy[index], x, reduced, dx)
          case .norm:
            let factor = y[index] == 0 ? 0 : dy[index] / y[index]
            for offset in reduced { dx[offset] = x[offset] * factor }
          default:
            var count = 0
            for offset in reduced where x[offset] == y[index] { count += 1 }
            let share = dy[index] / Float(max(1, count))
            for offset in reduced { dx[offset] = x[offset] == y[index] ? share : 0 }
          }
        }
      }
    }
  }

  /// Computes the gradient of one product. With one zero, only that element has a gradient; with more, none has.
  private static func product(
    _ dy: Float, _ x: UnsafePointer<Float>, _ offsets: ContiguousArray<Int>, _ dx: UnsafeMutablePointer<Float>
  ) {
    var (product, zeros) = (Double(dy), 0)
    for offset in offsets { if x[offset] == 0 { zeros += 1 } else { product *= Double(x[offset]) } }
    for offset in offsets {
      dx[offset] = zeros == 0 ? Float(product / Double(x[offset])) : zeros == 1 && x[offset] == 0 ? Float(product) : 0
    }
  }
}
