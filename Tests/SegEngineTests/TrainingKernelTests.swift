import TestSupport
import Testing

@testable import SegEngine

/// The kernels of gradients and optimisers, of every instruction set, against the same in Double: odd sizes, rows apart, in place and not.
@Suite struct TrainingKernelTests {
  /// Rows of floats with a distance between them, and numbers beside them that no kernel may touch.
  private final class Matrix {

    let rows, columns, stride: Int
    let floats: UnsafeMutablePointer<Float>
    private static let margin: Float = 12345

    init(_ rows: Int, _ columns: Int, stride: Int? = nil, in range: ClosedRange<Float> = -1...1, seed: UInt64) {
      (self.rows, self.columns, self.stride) = (rows, columns, stride ?? columns)
      floats = .allocate(capacity: rows * self.stride + 1)
      floats.initialize(repeating: Self.margin, count: rows * self.stride + 1)
      var generator = SeededGenerator(seed: seed)
      for row in 0..<rows {
        for column in 0..<columns { floats[row * self.stride + column] = Float.random(in: range, using: &generator) }
      }
    }

    init(copying other: Matrix) {
      (rows, columns, stride) = (other.rows, other.columns, other.stride)
      floats = .allocate(capacity: rows * stride + 1)
      floats.initialize(from: other.floats, count: rows * stride + 1)
    }

    deinit { floats.deallocate() }

    var values: [Float] { (0..<rows).flatMap { row in (0..<columns).map { floats[row * stride + $0] } } }

    var isWithinItsRows: Bool {
      (0..<rows * stride + 1).allSatisfy {
        $0 / stride < rows && $0 % stride < columns || floats[$0] == Self.margin
      }
    }
  }

  /// The matrices of a test live as long as it, as kernels have only their addresses.
  private final class Arena { var matrices: [Matrix] = [] }
  private let arena = Arena()

  private func matrix(
    _ rows: Int, _ columns: Int, stride: Int? = nil, in range: ClosedRange<Float> = -1...1, seed: UInt64
  ) -> Matrix {
    arena.matrices.append(Matrix(rows, columns, stride: stride, in: range, seed: seed))
    return arena.matrices.last!
  }

  private func copy(_ other: Matrix) -> Matrix {
    arena.matrices.append(Matrix(copying: other))
    return arena.matrices.last!
  }

  private let sets = VectorKernels.instructionSets.compactMap { VectorKernels(instructionSet: $0) }
  private let reference = ReferenceKernels()

  /// Runs a kernel of each instruction set and of the reference and compares what they write. `scale` is the size of the terms.
  private func compare(
    _ name: String, tolerance: Double, scale: Double = 1, _ run: (any Kernels) -> [Matrix]
  ) {
    let expected = run(reference)
    for kernels in sets {
      for (index, (actual, wanted)) in zip(run(kernels), expected).enumerated() {
        #expect(actual.isWithinItsRows, "\(name) on \(kernels.instructionSet) writes beside result \(index)")
        let largest = wanted.values.reduce(scale) { max($0, Double(abs($1))) }
        for (place, (value, number)) in zip(actual.values, wanted.values).enumerated() {
          let error = abs(Double(value) - Double(number))
          if !(error <= tolerance * largest) {
            Issue.record(
              "\(name) on \(kernels.instructionSet): element \(place) of result \(index) is \(value), expected \(number)"
            )
            break
          }
        }
      }
    }
  }

  @Test func everyInstructionSetIsTested() { #expect(sets.contains { $0.instructionSet == "baseline" }) }

  @Test(arguments: [1, 7, 16, 33, 1000]) func gradientsOfFunctions(count: Int) {
    for (function, range, _) in ElementwiseDerivativeTests.cases {
      let bounds = Float(range.lowerBound)...Float(range.upperBound)
      let (dy, x) = (matrix(1, count, seed: 1), matrix(1, count, in: bounds, seed: 2))
      for ofValue in function.valueTellsDerivative ? [false, true] : [false] {
        let source = copy(x)
        if ofValue { for index in 0..<count { source.floats[index] = Float(function(Double(x.floats[index]))) } }
        for place in 0..<3 {
          compare("\(function) of \(ofValue ? "value" : "operand") over \(place)", tolerance: 2e-6) { kernels in
            let (dy, source) = (copy(dy), copy(source))
            let dx = [matrix(1, count, seed: 3), dy, source][place]
            kernels.mapGradient(function, ofValue: ofValue, dy.floats, source.floats, dx.floats, count: count)
            return [dx]
          }
        }
      }
    }
  }

  /// Rows, channels, and the distance of rows: more columns than a block, blocks that are not full, one of each.
  private static let sizes = [
    (1, 1, 1), (5, 3, 7), (13, 64, 64), (7, 65, 70), (31, 130, 131), (64, 16, 24), (3, 257, 257),
  ]

  @Test func moments() {
    for (rows, channels, stride) in Self.sizes {
      for mean: Float in [0, 100] {
        let x = matrix(rows, channels, stride: stride, in: mean - 1...mean + 1, seed: 4)
        compare("moments of \(rows)×\(channels) around \(mean)", tolerance: mean == 0 ? 1e-6 : 1e-5) { kernels in
          let (means, deviations) = (matrix(1, channels, seed: 5), matrix(1, channels, seed: 6))
          kernels.columnMoments(
            x.floats, xStride: stride, rows: rows, channels: channels, means: means.floats,
            deviations: deviations.floats)
          return [means, deviations]
        }
      }
    }
  }

  @Test func normalization() {
    for (function, _, _) in ElementwiseDerivativeTests.cases where ![.log, .sqrt, .reciprocal].contains(function) {
      for (rows, channels, stride) in Self.sizes {
        let (dy, x) = (
          matrix(rows, channels, stride: stride + 2, seed: 7), matrix(rows, channels, stride: stride, seed: 8)
        )
        let vectors = (0..<6).map { matrix(1, channels, seed: 9 + UInt64($0)) }
        func operands(_ dy: Matrix, _ x: Matrix) -> NormalizationOperands {
          NormalizationOperands(
            dy: dy.floats, dyStride: dy.stride, x: x.floats, xStride: x.stride, mean: vectors[0].floats,
            scale: vectors[1].floats, shift: vectors[2].floats, function: function)
        }
        let name = "\(function) of \(rows)×\(channels)"
        // Terms of size up to e², added in another order.
        compare("sums of \(name)", tolerance: 1e-6, scale: Double(rows)) { kernels in
          let (sums, products) = (matrix(1, channels, seed: 20), matrix(1, channels, seed: 21))
          kernels.normalizationSums(
            operands(dy, x), rows: rows, channels: channels, sums: sums.floats, products: products.floats)
          return [sums, products]
        }
        for place in 0..<3 {
          compare("gradient of \(name) over \(place)", tolerance: 2e-6) { kernels in
            let (dy, x) = (copy(dy), copy(x))
            let dx = [matrix(rows, channels, stride: stride + 1, seed: 22), dy, x][place]
            kernels.normalizationGradient(
              operands(dy, x), factor: vectors[3].floats, slope: vectors[4].floats, offset: vectors[5].floats,
              rows: rows,
              channels: channels, dx.floats, dxStride: dx.stride)
            return [dx]
          }
        }
      }
    }
  }

  @Test func sumsOfProducts() {
    for (rows, channels, stride) in Self.sizes {
      let (p, q) = (
        matrix(rows, channels, stride: stride, seed: 23), matrix(rows, channels, stride: stride + 3, seed: 24)
      )
      compare("products of \(rows)×\(channels)", tolerance: 1e-6, scale: Double(rows)) { kernels in
        let y = matrix(1, channels, seed: 25)
        kernels.sumProducts(
          p.floats, pStride: p.stride, q.floats, qStride: q.stride, rows: rows, channels: channels, y.floats)
        return [y]
      }
    }
  }

  @Test func softmax() {
    for (rows, channels, stride) in Self.sizes {
      for ofLogarithm in [false, true] {
        let dy = matrix(rows, channels, stride: stride, seed: 26)
        let y = matrix(rows, channels, stride: stride + 1, in: ofLogarithm ? -5...0 : 0...1, seed: 27)
        for place in 0..<3 {
          // The sum of dy has as many terms as there are channels.
          let scale = Double(channels).squareRoot()
          compare("softmax of \(rows)×\(channels) over \(place)", tolerance: 2e-6, scale: scale) { kernels in
            let (dy, y) = (copy(dy), copy(y))
            let dx = [matrix(rows, channels, stride: stride + 2, seed: 28), dy, y][place]
            kernels.softmaxGradient(
              ofLogarithm: ofLogarithm, dy.floats, dyStride: dy.stride, y.floats, yStride: y.stride, dx.floats,
              dxStride: dx.stride, rows: rows, channels: channels)
            return [dx]
          }
        }
      }
    }
  }

  @Test func layerNorm() {
    for (rows, channels, stride) in Self.sizes where channels > 1 {
      let dy = matrix(rows, channels, stride: stride, seed: 29)
      let x = matrix(rows, channels, stride: stride + 1, in: -1...2, seed: 30)
      let weight = matrix(1, channels, seed: 31)
      for hasWeight in [false, true] {
        for place in 0..<3 {
          // The reciprocal deviation is 2 at most for rows of this spread, and twice as much for three channels.
          compare("layer norm of \(rows)×\(channels) over \(place)", tolerance: 4e-6, scale: 4) { kernels in
            let (dy, x) = (copy(dy), copy(x))
            let dx = [matrix(rows, channels, stride: stride + 2, seed: 32), dy, x][place]
            let (weights, biases) = (matrix(1, channels, seed: 33), matrix(1, channels, seed: 34))
            kernels.layerNormGradient(
              dy.floats, dyStride: dy.stride, x.floats, xStride: x.stride, weight: hasWeight ? weight.floats : nil,
              epsilon: 1e-5, dx.floats, dxStride: dx.stride, weightSums: weights.floats, biasSums: biases.floats,
              rows: rows, channels: channels)
            return [dx, weights, biases]
          }
        }
      }
    }
  }

  @Test(arguments: [1, 15, 16, 100, 1001]) func optimizerSteps(count: Int) {
    let (weights, gradient) = (matrix(1, count, seed: 35), matrix(1, count, seed: 36))
    let (first, second) = (matrix(1, count, seed: 37), matrix(1, count, in: 0.01...1, seed: 38))
    for inPlace in [false, true] {
      func results(_ operands: [Matrix]) -> [Matrix] {
        inPlace ? operands : operands.indices.map { matrix(1, count, seed: 50 + UInt64($0)) }
      }
      for isNesterov in [false, true] {
        compare("momentum", tolerance: 5e-7) { kernels in
          let operands = [copy(weights), copy(first)]
          let new = results(operands)
          kernels.momentumStep(
            MomentumStep(rate: 0.1, momentum: 0.9, decay: 0.02, scale: 0.7, isNesterov: isNesterov),
            weights: operands[0].floats, gradient: gradient.floats, momentum: operands[1].floats,
            newWeights: new[0].floats, newMomentum: new[1].floats, count: count)
          return new
        }
      }
      let step = AdamStep(
        beta1: 0.9, beta2: 0.99, complement1: 0.1, complement2: 0.01, scale: 0.7, kept: 0.999, step: 0.05, root: 3,
        epsilon: 1e-8)
      compare("adam", tolerance: 5e-7) { kernels in
        let operands = [copy(weights), copy(first), copy(second)]
        let new = results(operands)
        kernels.adamStep(
          step, weights: operands[0].floats, gradient: gradient.floats, first: operands[1].floats,
          second: operands[2].floats, newWeights: new[0].floats, newFirst: new[1].floats, newSecond: new[2].floats,
          count: count)
        return new
      }
      compare("lion", tolerance: 5e-7) { kernels in
        let operands = [copy(weights), copy(first)]
        let new = results(operands)
        kernels.lionStep(
          step, weights: operands[0].floats, gradient: gradient.floats, momentum: operands[1].floats,
          newWeights: new[0].floats, newMomentum: new[1].floats, count: count)
        return new
      }
    }
  }
}
