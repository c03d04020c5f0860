/// The factor that limits the norm of all gradients together (Pascanu et al. 2013): min(1, limit / (norm + 1e-6)), as PyTorch's
/// `clip_grad_norm_`.
///
/// Inputs: the gradients, float32 of any shapes. Outputs: the factor and the norm, `[1]` each. Sums are those of fixed blocks, added in Double.
package struct GradientClipping: Operator {
  package static let name = "GradientClipping"

  /// The largest norm.
  package let limit: Double

  package init(limit: Double) { self.limit = limit }

  package var attributes: String { "to \(limit)" }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try require(!inputs.isEmpty, "takes one gradient or more")
    for input in inputs { try requireFloat(input) }
    return [TensorSpec([1]), TensorSpec([1])]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 2 * inputs.reduce(0) { $0 + $1.shape.elementCount }, reading: inputs, writing: outputs)
  }

  /// Elements of a block.
  private static let block = 32768

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    var blocks: [(input: Int, range: Range<Int>)] = []
    for (index, input) in context.inputs.enumerated() {
      for start in stride(from: 0, to: input.shape.elementCount, by: GradientClipping.block) {
        blocks.append((index, start..<min(input.shape.elementCount, start + GradientClipping.block)))
      }
    }
    let (parts, limit) = (blocks, limit)
    return PreparedOperator(workspaceByteCount: ElementType.float32.byteCount(of: max(1, parts.count))) { context in
      let sums = context.scratch
      context.workers.forEachRange(parts.count, grain: 1) { range, _ in
        for index in range {
          let (input, elements) = parts[index]
          sums[index] = context.kernels.reduce(
            .sumOfSquares, context.input(input).floats + elements.lowerBound, count: elements.count)
        }
      }
      var total = 0.0
      for index in 0..<parts.count { total += Double(sums[index]) }
      let norm = total.squareRoot()
      context.output(0).floats[0] = Float(min(1, limit / (norm + 1e-6)))
      context.output(1).floats[0] = Float(norm)
    }
  }
}
