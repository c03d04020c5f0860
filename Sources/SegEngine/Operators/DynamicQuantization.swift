/// Quantisation to 8 bits whose scale and zero point follow from the values (ONNX, DynamicQuantizeLinear-11).
///
/// Input: x of any shape, float32. Outputs, float32: the quantised numbers of the shape of x, less the zero point; the scale `[]`; the zero
/// point `[]`. With low = min(0, smallest) and high = max(0, largest), scale = (high − low) / 255, zero point = round(−low / scale), and
/// the numbers are round(x / scale) within −zero point … 255 − zero point, ties to even. The scale of zeros alone is 1.
package struct DynamicQuantization: Operator {
  package static let name = "DynamicQuantization"

  /// Makes the operator.
  package init() {}

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    try requireFloat(inputs[0])
    return [inputs[0], TensorSpec([]), TensorSpec([])]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 6 * inputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  /// The elements whose extremes are found at once.
  private static let block = 16384

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let block = DynamicQuantization.block
    let blocks = (context.inputs[0].shape.elementCount + block - 1) / block
    return PreparedOperator(workspaceByteCount: ElementType.float32.byteCount(of: 2 * blocks)) { context in
      let (x, y, device) = (context.input(0).floats, context.output(0).floats, context.device)
      let count = context.input(0).shape.elementCount
      let extremes = context.scratch
      device.workers.forEach(blocks) { index, _ in
        let length = min(block, count - index * block)
        extremes[2 * index] = device.kernels.reduce(.minimum, x + index * block, count: length)
        extremes[2 * index + 1] = device.kernels.reduce(.maximum, x + index * block, count: length)
      }
      var (low, high): (Float, Float) = (0, 0)
      for index in 0..<blocks {
        low = min(low, extremes[2 * index])
        high = max(high, extremes[2 * index + 1])
      }
      let scale = high > low ? (high - low) / 255 : 1
      let zero = min(max((-low / scale).rounded(.toNearestOrEven), 0), 255)
      context.output(1).floats[0] = scale
      context.output(2).floats[0] = zero
      device.workers.forEachRange(count, grain: block) { range, _ in
        for start in stride(from: range.lowerBound, to: range.upperBound, by: 4096) {
          let length = min(4096, range.upperBound - start)
          withUnsafePointer(to: scale) {
            device.kernels.combine(.divide, x + start, pStep: 1, $0, qStep: 0, y + start, count: length)
          }
          device.kernels.map(.quantize(step: 1, low: -zero, high: 255 - zero), y + start, y + start, count: length)
        }
      }
    }
  }
}

extension DynamicQuantization: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    var numbers = ValueProperties(range: ValueRange(-255, 255), axes: inputs[0].properties.axes)
    numbers.isInteger = true
    return [
      numbers, ValueProperties(range: ValueRange(0, .infinity), axes: []),
      ValueProperties(range: ValueRange(0, 255), axes: []),
    ]
  }
}
