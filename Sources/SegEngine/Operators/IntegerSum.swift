/// The sum of whole numbers, in Double: exact below 2⁵³.
///
/// Inputs: two or more tensors of equal shapes, float32, whose elements are whole numbers. Output: of their shape, float32 with one
/// rounding, or int32. It joins partial sums that are exact in float32 where the whole may exceed 2²⁴.
package struct IntegerSum: Operator {
  package static let name = "IntegerSum"

  /// The type of the output's elements: float32 or int32.
  package let elementType: ElementType

  /// Makes the operator.
  package init(elementType: ElementType = .float32) {
    precondition(elementType == .float32 || elementType == .int32, "sums are float32 or int32, not \(elementType)")
    self.elementType = elementType
  }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1024)
    for input in inputs {
      try requireFloat(input)
      try require(input == inputs[0], "what is added is of one shape, not \(inputs[0]) and \(input)")
    }
    return [TensorSpec(inputs[0].shape, elementType)]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(
      otherOperations: (inputs.count - 1) * inputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  /// The elements that are added at once.
  private static let block = 1024

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let isFloat = elementType == .float32
    let block = IntegerSum.block
    return PreparedOperator(workspaceByteCount: context.workers.threadCount * block * MemoryLayout<Double>.stride) {
      context in
      let y = context.output()
      let sums = context.workspace.assumingMemoryBound(to: Double.self)
      context.workers.forEachRange(y.shape.elementCount, grain: 4 * block) { range, worker in
        let sum = sums + worker * block
        for start in stride(from: range.lowerBound, to: range.upperBound, by: block) {
          let count = min(block, range.upperBound - start)
          sum.update(repeating: 0, count: count)
          for input in 0..<context.inputCount {
            let part = context.input(input).floats + start
            for index in 0..<count { sum[index] += Double(part[index]) }
          }
          if isFloat {
            let target = y.floats + start
            for index in 0..<count { target[index] = Float(sum[index]) }
          } else {
            let target = y.pointer(to: Int32.self) + start
            // As in C, a sum beyond 32 bits keeps its low bits.
            for index in 0..<count { target[index] = Int32(truncatingIfNeeded: Int64(sum[index])) }
          }
        }
      }
    }
  }
}
