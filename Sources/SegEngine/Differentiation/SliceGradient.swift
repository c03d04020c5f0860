/// The gradient of a slice with steps: dy at the elements of the slice, zeros elsewhere.
///
/// Input: dy, of the slice's shape. Output: the shape of the slice's input.
package struct SliceGradient: Operator {
  package static let name = "SliceGradient"

  /// The slice.
  package let slice: Slice
  /// The shape of its input.
  package let shape: Shape

  package init(_ slice: Slice, shape: Shape) {
    self.slice = slice
    self.shape = shape
  }

  package var attributes: String { slice.attributes }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    try requireFloat(inputs[0])
    let result = TensorSpec(shape)
    let sliced = try slice.outputs(for: [result])[0]
    try require(inputs[0] == sliced, "the gradient of the slice is \(sliced), not \(inputs[0])")
    return [result]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost { Cost(reading: inputs, writing: outputs) }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let dy = context.inputs[0].shape
    var (starts, steps) = (Array(repeating: 0, count: shape.rank), Array(repeating: 1, count: shape.rank))
    for range in slice.ranges {
      guard let axis = shape.normalizedAxis(range.axis) else { preconditionFailure("shapes were checked") }
      starts[axis] = range.resolved(shape[axis]).start
      steps[axis] = dy[axis] > 1 ? range.step : 0
    }
    let strides = shape.strides
    let base = zip(starts, strides).reduce(0) { $0 + $1.0 * $1.1 }
    let jumps = ContiguousArray(zip(steps, strides).map { $0 * $1 })
    let extents = ContiguousArray(dy.dimensions)
    return PreparedOperator { context in
      let (source, dx) = (context.input(0).floats, context.output())
      context.workers.forEachRange(dx.shape.elementCount, grain: 16384) { range, _ in
        (dx.floats + range.lowerBound).update(repeating: 0, count: range.count)
      }
      let columns = extents.last ?? 1
      context.workers.forEachRange(dy.rows, grain: max(1, 16384 / max(1, columns))) { rows, _ in
        for row in rows {
          var (rest, place) = (row, base)
          for axis in extents.indices.dropLast().reversed() {
            place += rest % extents[axis] * jumps[axis]
            rest /= extents[axis]
          }
          let jump = jumps.last ?? 0
          for column in 0..<columns { dx.floats[place + column * jump] = source[row * columns + column] }
        }
      }
    }
  }
}
