import SegEngine
import TestSupport
import Testing

/// Costs against figures worked out by hand, or counted one by one.
@Suite struct CostTests {
  private func cost(_ operator: some Operator, _ shapes: [Shape]) throws -> Cost {
    let inputs = shapes.map { TensorSpec($0) }
    return `operator`.cost(inputs: inputs, outputs: try `operator`.outputs(for: inputs))
  }

  @Test func products() throws {
    #expect(try cost(MatMul(), [[2, 3, 5], [5, 7]]).macs == 2 * 3 * 5 * 7)
    #expect(try cost(MatMul(transposingA: true, transposingB: true), [[5, 3], [7, 5]]).macs == 3 * 5 * 7)
    let linear = try cost(Linear(function: .relu), [[2, 9, 4], [6, 4], [6]])
    #expect(linear.macs == 18 * 4 * 6)
    #expect(linear.otherOperations == 18 * 6 * 2)
    #expect(linear.parameters == 30)
    #expect(linear.bytesRead == 4 * (72 + 24 + 6))
    #expect(linear.bytesWritten == 4 * 108)
    // 8 heads of 4: for each query and key 4 multiplications for the score and 3 for the values, a head.
    #expect(try cost(Attention(heads: 8), [[2, 10, 32], [2, 6, 32], [2, 6, 24]]).macs == 2 * 10 * 6 * (32 + 24))
  }

  @Test func poolingCountsItsTaps() throws {
    let geometry = ConvolutionGeometry(kernel: 3, stride: 2, padding: 1)
    #expect(try cost(MaxPool(geometry), [[1, 8, 8, 5]]).otherOperations == 4 * 4 * 5 * 9)
    #expect(try cost(AveragePool(geometry), [[1, 8, 8, 5]]).otherOperations == 4 * 4 * 5 * 10)
    #expect(try cost(GlobalPool(.average), [[1, 8, 8, 5]]).otherOperations == 8 * 8 * 5 + 5)
    // Windows of 3, 3 and 3 rows overlap over 7: rows 0–2, 2–4, 4–6.
    #expect(try cost(AdaptivePool(.maximum, to: 3), [[1, 7, 7, 2]]).otherOperations == 9 * 9 * 2)
  }

  @Test func movementComputesNothing() throws {
    for cost in [
      try cost(Concat(), [[1, 2, 2, 3], [1, 2, 2, 4]]), try cost(Transpose([1, 0]), [[4, 7]]),
      try cost(PixelShuffle(2), [[1, 1, 7, 4]]),
    ] {
      #expect(cost.flops == 0)
      #expect(cost.bytesRead == 28 * 4)
      #expect(cost.bytesWritten == 28 * 4)
    }
    #expect(try cost(Reshape(to: .dimensions([-1])), [[4, 7]]) == Cost())
  }
}
