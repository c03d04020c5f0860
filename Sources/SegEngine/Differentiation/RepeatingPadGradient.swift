/// The gradient of padding that repeats elements (reflected, or those of the edge): each element sums the gradients of its copies.
///
/// Input: dy, of the padded shape. Output: the shape before padding.
package struct RepeatingPadGradient: Operator {
  package static let name = "RepeatingPadGradient"

  /// The padding.
  package let pad: Pad
  /// The shape before padding.
  package let shape: Shape

  package init(_ pad: Pad, shape: Shape) {
    self.pad = pad
    self.shape = shape
  }

  package var attributes: String { pad.attributes }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    try requireFloat(inputs[0])
    let result = TensorSpec(shape)
    let padded = try pad.outputs(for: [result])[0]
    try require(inputs[0] == padded, "the gradient of the padded tensor is \(padded), not \(inputs[0])")
    return [result]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: inputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    // For each axis the copies of each index.
    let shape = shape
    let copies = shape.dimensions.indices.map { axis in
      var copies = [[Int]](repeating: [], count: shape[axis])
      for (index, source) in pad.sources(axis: axis, of: shape).enumerated() { copies[source].append(index) }
      return copies
    }
    let strides = context.inputs[0].shape.strides
    return PreparedOperator { context in
      let (dy, dx) = (context.input(0).floats, context.output().floats)
      context.workers.forEachRange(shape.elementCount, grain: 4096) { range, _ in
        for element in range { dx[element] = RepeatingPadGradient.sum(dy, element, shape, copies, strides) }
      }
    }
  }

  /// Sums the copies of an element, in their order.
  private static func sum(
    _ dy: UnsafePointer<Float>, _ element: Int, _ shape: Shape, _ copies: [[[Int]]], _ strides: [Int]
  ) -> Float {
    func sum(_ axis: Int, _ rest: Int, _ offset: Int) -> Float {
      guard axis >= 0 else { return dy[offset] }
      let (outer, index) = rest.quotientAndRemainder(dividingBy: shape[axis])
      var total: Float = 0
      for copy in copies[axis][index] { total += sum(axis - 1, outer, offset + copy * strides[axis]) }
      return total
    }
    return sum(shape.rank - 1, element, 0)
  }
}
