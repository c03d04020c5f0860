/// The gradient of a maximum or minimum over some axes: dy shared equally among the elements that are equal to it (PyTorch's rule of `amax`).
///
/// Inputs: dy with reduced axes of extent 1; x; the result y, of the shape of dy. Output: the shape of x.
package struct ExtremumGradient: Operator {
  package static let name = "ExtremumGradient"

  /// The reduced axes, from the front.
  package let axes: [Int]

  package init(axes: [Int]) { self.axes = axes }

  package var attributes: String { "over \(axes)" }

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
    return PreparedOperator { context in
      let (dy, x, y) = (context.input(0).floats, context.input(1).floats, context.input(2).floats)
      let dx = context.output().floats
      context.workers.forEachRange(kept.count, grain: max(1, 4096 / max(1, reduced.count))) { range, _ in
        for index in range {
          let start = kept[index]
          var count = 0
          for offset in reduced where x[start + offset] == y[index] { count += 1 }
          let share = dy[index] / Float(max(1, count))
          for offset in reduced { dx[start + offset] = x[start + offset] == y[index] ? share : 0 }
        }
      }
    }
  }
}
