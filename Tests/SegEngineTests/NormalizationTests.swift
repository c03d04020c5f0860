import SegEngine
import TestSupport
import Testing

/// Held to 1e-5: differences from the mean are rounded to 6e-8 of numbers of size 1 … 3, and divided by a deviation of about 0.6.
@Suite struct NormalizationTests {
  private let backends = everyBackend()
  private let tolerance = Tolerance(absolute: 1e-5)

  private func inputs(_ x: Tensor, affine: Int) -> [Tensor] {
    let channels = x.shape.channels
    return [x, .random([channels], in: 0.5...1.5, seed: 8), .random([channels], seed: 9)].prefix(1 + affine).map { $0 }
  }

  private func naive(_ inputs: [Tensor]) -> (x: NaiveTensor, weight: NaiveTensor?, bias: NaiveTensor?) {
    (
      NaiveTensor(inputs[0]), inputs.count > 1 ? NaiveTensor(inputs[1]) : nil,
      inputs.count > 2 ? NaiveTensor(inputs[2]) : nil
    )
  }

  @Test func layerNormOfEachRow() {
    withEvery("shape", in: [[3, 1], [2, 5, 7], [2, 3, 4, 64], [9, 771], [33]] as [Shape]) { shape in
      withEvery("affine", in: 0...2) { affine in
        withEvery("epsilon", in: [Float(1e-5), 1e-2]) { epsilon in
          let inputs = inputs(.random(shape, in: -1...2), affine: affine)
          let (x, weight, bias) = naive(inputs)
          let expected = x.layerNorm(weight, bias, epsilon: Double(epsilon))
          let op = LayerNorm(epsilon: epsilon)
          #expect(
            disagreements(of: op, inputs, constants: affine > 0 ? [1] : [], with: [expected], tolerance, on: backends)
              == [])
        }
      }
    }
  }

  @Test func groupNormOfEachGroup() {
    let shapes: [(Shape, Int)] = [
      ([2, 5, 7, 6], 1), ([2, 5, 7, 6], 3), ([2, 5, 7, 6], 6), ([1, 40, 41, 8], 4), ([3, 1, 1, 32], 4),
      ([2, 9, 12], 2),
      ([2, 6], 2), ([1, 3, 3, 600], 300),
    ]
    withEvery("shape", in: shapes) { shape, groups in
      withEvery("affine", in: 0...2) { affine in
        let inputs = inputs(.random(shape, in: -1...2), affine: affine)
        let (x, weight, bias) = naive(inputs)
        let expected = x.groupNorm(weight, bias, groups: groups, epsilon: 1e-5)
        #expect(disagreements(of: GroupNorm(groups: groups), inputs, with: [expected], tolerance, on: backends) == [])
        if groups == shape.channels {
          #expect(disagreements(of: InstanceNorm(), inputs, with: [expected], tolerance, on: backends) == [])
        }
      }
    }
  }

  /// The variance is taken of differences: from the squares alone nothing would be left of it beside a mean of 1000. The numbers
  /// themselves are rounded to 3e-5 here, and so is the mean, against a deviation of 0.6.
  @Test func aLargeMeanLeavesTheVariance() {
    let x = Tensor.random([1, 20, 20, 4], in: 999...1001)
    let naive = NaiveTensor(x)
    let loose = Tolerance(absolute: 2e-4)
    let expected = naive.groupNorm(nil, nil, groups: 2, epsilon: 1e-5)
    #expect(disagreements(of: GroupNorm(groups: 2), [x], with: [expected], loose, on: backends) == [])
    let wide = Tensor.random([3, 400], in: 999...1001)
    let rows = NaiveTensor(wide).layerNorm(nil, nil, epsilon: 1e-5)
    #expect(disagreements(of: LayerNorm(), [wide], with: [rows], loose, on: backends) == [])
  }

  @Test func batchNormUsesItsStatistics() {
    withEvery("channels", in: [1, 7, 32]) { channels in
      let x = Tensor.random([2, 5, 6, channels])
      let statistics = (1...4).map {
        Tensor.random([channels], in: $0 == 4 ? 0.5...2 : -1...1, seed: UInt64($0))
      }
      let (naive, values) = (NaiveTensor(x), statistics.map { NaiveTensor($0).values })
      let expected = NaiveTensor(naive.shape) { index in
        let c = index[3]
        return (naive[index] - values[2][c]) / (values[3][c] + Double(Float(1e-5))).squareRoot() * values[0][c]
          + values[1][c]
      }
      let inputs = [x] + statistics
      #expect(
        disagreements(
          of: BatchNorm(), inputs, constants: [1, 2, 3, 4], with: [expected], Tolerance(absolute: 1e-6), on: backends)
          == [])
    }
  }

  @Test func shapesThatDoNotFitAreNamed() {
    #expect(
      shapeError(LayerNorm(), [[2, 3], [2], [3]]) == "LayerNorm: weight and bias are [3] for [2, 3], not [2]")
    #expect(
      shapeError(GroupNorm(groups: 4), [[1, 2, 2, 6]])
        == "GroupNorm: the channels of [1, 2, 2, 6] do not divide into 4 groups")
    #expect(shapeError(InstanceNorm(), [[3]]) == "InstanceNorm: takes 2 axes or more, not [3]")
    #expect(
      shapeError(BatchNorm(), [[1, 2, 2, 6], [6], [6], [5], [6]])
        == "BatchNorm: statistics and weights are [6] for [1, 2, 2, 6], not [5]")
  }
}
