import SegEngine
import TestSupport
import Testing

@Suite struct ArithmeticTests {
  private let backends = everyBackend()

  /// Pairs of shapes: equal, a vector a channel, a number a pixel, a number an image and channel, a scalar, crossing ranks.
  private static let pairs: [(Shape, Shape)] = [
    ([2, 5, 6, 7], [2, 5, 6, 7]), ([2, 5, 6, 19], [19]), ([19], [2, 5, 6, 19]), ([2, 5, 6, 3], [2, 5, 6, 1]),
    ([2, 5, 6, 1], [2, 5, 6, 3]), ([2, 5, 6, 3], [2, 1, 1, 3]), ([2, 5, 6, 3], []), ([], [4, 2]), ([], []),
    ([3, 1], [1, 4]), ([3, 1, 5], [4, 1]), ([2, 1, 6, 1], [5, 1, 7]), ([1, 1, 1, 1], [2, 3]), ([4, 1, 1], [1, 1, 4]),
    ([2, 0, 3], [2, 1, 3]), ([1, 60, 60, 3], [1, 60, 60, 3]), ([6, 1], [6, 1]), ([2, 3, 1, 1], [2, 3, 5, 1]),
  ]

  /// Two roundings; a power is that of the C library, to 1e-6 here.
  @Test func binaryOperationsBroadcast() {
    withEvery("operation", in: BinaryOperation.allCases) { operation in
      withEvery("shapes", in: Self.pairs) { p, q in
        // Powers of negative numbers are NaN, of which the other test takes care.
        let range: ClosedRange<Float> = operation == .power || operation == .divide ? 0.25...2 : -1...1
        let inputs = [Tensor.random(p, in: range, seed: 1), Tensor.random(q, in: range, seed: 2)]
        guard let shape = p.broadcast(with: q) else { return }
        let expected = NaiveTensor(inputs[0]).combine(operation, NaiveTensor(inputs[1]), to: shape.dimensions)
        let tolerance = Tolerance(relative: operation == .power ? 1e-6 : 1.2e-7)
        #expect(disagreements(of: Binary(operation), inputs, with: [expected], tolerance, on: backends) == [])
      }
    }
  }

  @Test func binaryOperationsApplyAFunction() {
    withEvery("shapes", in: Self.pairs) { p, q in
      withEvery("operation", in: [BinaryOperation.add, .multiply, .subtract]) { operation in
        let inputs = [Tensor.random(p, seed: 1), Tensor.random(q, seed: 2)]
        guard let shape = p.broadcast(with: q) else { return }
        let expected = NaiveTensor(inputs[0]).combine(operation, NaiveTensor(inputs[1]), to: shape.dimensions)
          .map { max($0, 0) }
        let op = Binary(operation, function: .relu)
        #expect(disagreements(of: op, inputs, with: [expected], Tolerance(relative: 1.2e-7), on: backends) == [])
      }
    }
  }

  @Test func binaryOperationsTakeSpecialValues() {
    let special: [Float] = [
      0, -0.0, 1, -1, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, .greatestFiniteMagnitude,
    ]
    let p = Tensor([special.count, 1], special)
    let q = Tensor([special.count], special)
    withEvery("operation", in: BinaryOperation.allCases) { operation in
      let expected = NaiveTensor(p).combine(operation, NaiveTensor(q), to: [special.count, special.count])
      // Sums and products beyond float32 are infinite.
      let rounded = expected.map { Double(Float($0)) }
      #expect(disagreements(of: Binary(operation), [p, q], with: [rounded], .exact, on: backends) == [])
    }
  }

  @Test func reductionsOverAnyAxes() {
    let choices: [(Shape, [Int])] = [
      ([2, 5, 6, 7], [3]), ([2, 5, 6, 7], [1, 2]), ([2, 5, 6, 7], [1]), ([2, 5, 6, 7], [2]), ([2, 5, 6, 7], [0]),
      ([2, 5, 6, 7], [0, 2]), ([2, 5, 6, 7], [1, 3]), ([2, 5, 6, 7], [0, 3]), ([2, 5, 6, 7], []),
      ([2, 5, 6, 7], [-1, -2, -3]), ([2, 5, 6, 7], [0, 1, 2]), ([2, 5, 6, 1], [1, 2]), ([2, 5, 6, 1], [2, 3]),
      ([2, 1, 1, 7], [1, 2]), ([11], [0]), ([1], [0]), ([3, 300], [1]), ([700, 3], [0]), ([2, 600, 2, 2], [1]),
      ([1, 9000], [1]), ([2, 3, 5, 2, 3], [1, 3]), ([2, 1, 3, 1], [1, 3]), ([2, 0, 3], [1]), ([0, 3], [1]),
    ]
    withEvery("operation", in: Reduce.Operation.allCases) { operation in
      withEvery("shape", in: choices) { shape, axes in
        withEvery("keepsAxes", in: [true, false]) { keepsAxes in
          // Near 1, so that products neither vanish nor overflow.
          let x = Tensor.random(shape, in: operation == .product ? 0.98...1.02 : -1...1, seed: 3)
          let expected = NaiveTensor(x).reduce(operation, axes: axes, keepsAxes: keepsAxes)
          let count = Double(max(1, shape.elementCount))
          let tolerance: Tolerance
          switch operation {
          case .maximum, .minimum: tolerance = .exact
          case .product: tolerance = Tolerance(relative: 6e-8 * count.squareRoot() * 4)
          case .mean: tolerance = Tolerance(absolute: 1e-6)
          // The sum of |x| is at most the number of elements, and every partial sum is rounded to 6e-8 of its size.
          case .sum: tolerance = Tolerance(absolute: 6e-8 * max(4, count))
          case .sumOfSquares, .norm: tolerance = Tolerance(relative: 2e-6)
          }
          let op = Reduce(operation, axes: axes, keepsAxes: keepsAxes)
          #expect(disagreements(of: op, [x], with: [expected], tolerance, on: backends) == [])
        }
      }
    }
  }

  @Test func extremesAreNaNWhereAnElementIs() {
    var x = Tensor.random([2, 40, 40])
    x[0, 3, 5] = Float.nan
    x[1, 39, 39] = Float.nan
    x[1, 0, 0] = Float.infinity
    withEvery("operation", in: [Reduce.Operation.maximum, .minimum]) { operation in
      withEvery("axes", in: [[1], [2], [1, 2], []]) { axes in
        let expected = NaiveTensor(x).reduce(operation, axes: axes, keepsAxes: true)
        #expect(disagreements(of: Reduce(operation, axes: axes), [x], with: [expected], .exact, on: backends) == [])
      }
    }
  }

  @Test func softmaxOverAnyAxis() {
    let shapes: [(Shape, Int)] = [
      ([2, 4, 5, 7], 3), ([2, 4, 5, 7], 1), ([2, 4, 5, 7], 2), ([2, 4, 5, 7], 0), ([3, 21], 1), ([3, 150], 1), ([5], 0),
      ([2, 6, 1], 1), ([2, 6, 1], 2), ([1, 3, 700, 2], 1), ([1, 4, 30, 40], 1),
    ]
    withEvery("shape", in: shapes) { shape, axis in
      withEvery("range", in: [Float(1), 20, 300]) { range in
        let x = Tensor.random(shape, in: -range...range, seed: 4)
        withEvery("logarithm", in: [false, true]) { logarithm in
          let expected = NaiveTensor(x).softmax(axis: axis, logarithm: logarithm)
          let tolerance = logarithm ? Tolerance(absolute: 2e-6, relative: 2e-7) : Tolerance(absolute: 1e-6)
          #expect(
            disagreements(
              of: Softmax(axis: axis - (axis % 2) * shape.rank, logarithm: logarithm), [x], with: [expected], tolerance,
              on: backends) == [])
        }
      }
    }
  }

  @Test func softmaxTakesMinusInfinity() {
    var x = Tensor.random([4, 20])
    for column in 0..<20 where column != 7 { x[1, column] = -Float.infinity }
    for column in 0..<20 { x[2, column] = -Float.infinity }
    x[3, 4] = Float.nan
    withEvery("axis", in: [0, 1]) { axis in
      let input = axis == 1 ? x : transposed(x)
      withEvery("logarithm", in: [false, true]) { logarithm in
        let expected = NaiveTensor(input).softmax(axis: axis, logarithm: logarithm)
        #expect(
          disagreements(
            of: Softmax(axis: axis, logarithm: logarithm), [input], with: [expected], Tolerance(absolute: 2e-6),
            on: backends) == [])
      }
    }
  }

  private func transposed(_ x: Tensor) -> Tensor {
    let values = NaiveTensor(x).transpose([1, 0])
    return Tensor(Shape(values.shape), values.values.map { Float($0) })
  }

  @Test func argmaxOverAnyAxis() {
    let shapes: [(Shape, Int)] = [
      ([2, 4, 5, 7], 3), ([2, 4, 5, 7], 1), ([2, 4, 5, 7], 0), ([2, 33, 40, 21], 3), ([1, 3, 700, 2], 1),
      ([2, 6, 1], 2),
      ([9], 0), ([1200, 3], 1),
    ]
    withEvery("shape", in: shapes) { shape, axis in
      // Few different numbers, so that the largest stands in several places; and some NaN.
      var values = NaiveTensor(.random(shape, in: -2...2, seed: 5)).values.map { Float($0.rounded()) }
      for index in stride(from: 0, to: values.count, by: 11) { values[index] = .nan }
      let x = Tensor(shape, values)
      let expected = NaiveTensor(x).argmax(axis: axis)
      withEvery("type", in: [ElementType.int64, .int32, .uint16]) { type in
        #expect(
          disagreements(of: ArgMax(axis: axis, elementType: type), [x], with: [expected], .exact, on: backends) == [])
        var kept = shape.dimensions
        kept[axis] = 1
        let op = ArgMax(axis: axis - shape.rank, keepsAxis: true, elementType: type)
        #expect(disagreements(of: op, [x], with: [expected.reshaped(kept)], .exact, on: backends) == [])
      }
    }
  }

  @Test func thresholdsAreExceededNotReached() {
    withEvery("shape", in: [[1], [2, 3, 5, 1], [7, 40001]] as [Shape]) { shape in
      // Quarters, so that the bound itself occurs, and some NaN.
      var values = NaiveTensor(.random(shape, in: -2...2, seed: 9)).values.map { Float(($0 * 4).rounded() / 4) }
      for index in stride(from: 0, to: values.count, by: 13) { values[index] = .nan }
      let x = Tensor(shape, values)
      for bound in [Float(0.25), -.infinity, .infinity, .nan] {
        let expected = NaiveTensor(Tensor(shape, values.map { Float($0 > bound ? 1 : 0) }))
        withEvery("type", in: [ElementType.uint8, .uint16, .int32]) { type in
          #expect(
            disagreements(
              of: Threshold(elementType: type), [x, Tensor(scalar: bound)], with: [expected], .exact, on: backends)
              == [])
        }
      }
    }
    #expect(shapeError(Threshold(), [[2], [2]])?.hasPrefix("Threshold: the bound is one number, not ") == true)
  }

  @Test func preluHasOneSlopeOrOneAChannel() {
    withEvery("channels", in: [1, 5, 32]) { channels in
      withEvery("slopes", in: Set([1, channels])) { slopes in
        let x = Tensor.random([2, 7, 9, channels], seed: 6)
        let slope = Tensor.random([slopes], seed: 7)
        let (naive, slopeValues) = (NaiveTensor(x), NaiveTensor(slope).values)
        let expected = NaiveTensor(naive.shape) { index in
          let value = naive[index]
          return value > 0 ? value : value * slopeValues[slopes == 1 ? 0 : index[3]]
        }
        #expect(
          disagreements(
            of: PReLU(), [x, slope], constants: [1], with: [expected], Tolerance(relative: 6e-8), on: backends) == [])
      }
    }
  }

  /// Sums are cut by the shape alone: one thread or three, the bits are the same.
  @Test func reductionsDoNotDependOnTheThreads() throws {
    let x = Tensor.random([2, 70, 60, 24], seed: 9)
    func results(_ threads: Int) throws -> [[Tensor]] {
      let runner = OperatorRunner(OpenBLASBackend(workers: WorkerPool(threads: threads)))
      return [
        try runner.run(Reduce(.sum, axes: [1, 2]), [x]), try runner.run(Reduce(.mean, axes: []), [x]),
        try runner.run(Reduce(.sumOfSquares, axes: [0, 3]), [x]), try runner.run(GroupNorm(groups: 4), [x]),
        try runner.run(AdaptivePool(.average, to: 2), [x]), try runner.run(Softmax(axis: 1), [x]),
      ]
    }
    let one = try results(1)
    for threads in [2, 3, 5] { #expect(try results(threads) == one, "\(threads) threads") }
  }

  @Test func shapesThatDoNotFitAreNamed() {
    #expect(
      shapeError(Binary(.add), [[2, 3], [2, 4]])
        == "Binary: add: [2, 3] and [2, 4] do not broadcast to one shape")
    #expect(
      shapeError(Binary(.add), [TensorSpec([2]), TensorSpec([2], .int64)]) == "Binary: takes float32, not int64 [2]")
    #expect(shapeError(Reduce(.sum, axes: [4]), [[2, 3]]) == "Reduce: there is no axis 4 in [2, 3]")
    #expect(shapeError(Reduce(.sum, axes: [1, -1]), [[2, 3]]) == "Reduce: [1, -1] names an axis of [2, 3] twice")
    #expect(shapeError(Softmax(axis: 2), [[2, 3]]) == "Softmax: there is no axis 2 in [2, 3]")
    #expect(
      shapeError(ArgMax(), [[2, 0]]) == "ArgMax: axis 1 of [2, 0] has no largest element that int32 can count")
    #expect(shapeError(PReLU(), [[2, 4, 3], [4]]) == "PReLU: the slope is [1] or [3] for [2, 4, 3], not [4]")
  }
}
