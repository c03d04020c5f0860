import SegEngine
import TestSupport
import Testing

/// Each function over the whole range of float32 against the C library in Double.
///
/// Tolerances: one rounding for what is one operation; a few units in the last place (2⁻²⁴ = 6e-8 each) for exp and what is made
/// of it; erf to 1.5e-7. Results below 1.2e-38 may be flushed to zero by exp, hence the absolute part.
@Suite struct ElementwiseFunctionTests {
  private static let functions: [(ElementwiseFunction, Tolerance)] = {
    let tiny = 1.2e-38
    return [
      (.identity, .exact), (.relu, .exact), (.abs, .exact), (.negate, .exact), (.clip(low: -1.5, high: 2.5), .exact),
      (.relu6, .exact), (.leakyReLU(slope: 0.01), Tolerance(absolute: 2e-45, relative: 6e-8)),
      (.reciprocal, Tolerance(absolute: 2e-45, relative: 6e-8)), (.sqrt, Tolerance(relative: 6e-8)),
      (.hardSigmoid(slope: 1 / 6, offset: 0.5), Tolerance(absolute: 1.2e-7)),
      (.hardSigmoid(slope: 0.2, offset: 0.5), Tolerance(absolute: 1.2e-7)),
      (.hardSwish, Tolerance(absolute: 3e-7, relative: 2.5e-7)),
      (.exp, Tolerance(absolute: tiny, relative: 2e-7)), (.log, Tolerance(absolute: 6e-8, relative: 1.2e-7)),
      (.sigmoid, Tolerance(absolute: tiny, relative: 3e-7)), (.tanh, Tolerance(absolute: tiny, relative: 2.5e-7)),
      (.erf, Tolerance(absolute: 1.5e-7, relative: 2e-7)),
      // From -88.7 on e⁻ˣ is infinite and the result 0, where it would be 89 · 2.9e-39.
      (.silu, Tolerance(absolute: 3e-37, relative: 4e-7)),
      // 1 + erf and 1 + tanh cancel where x is negative: absolute to a few roundings of 1, times x / 2.
      (.gelu, Tolerance(absolute: 6e-7, relative: 3e-7)), (.geluTanh, Tolerance(absolute: 6e-7, relative: 3e-7)),
      (.elu(alpha: 1), Tolerance(absolute: 2e-7, relative: 1e-7)),
      (.elu(alpha: 2.5), Tolerance(absolute: 5e-7, relative: 1e-7)),
      (.quantize(step: 0.125, low: -128, high: 127), .exact),
      // A step that float32 rounds: the product with it is rounded once.
      (.quantize(step: 0.0235, low: -113, high: 142), Tolerance(absolute: 2e-45, relative: 6e-8)),
      (.softplus(beta: 1, threshold: 20), Tolerance(absolute: tiny, relative: 4e-7)),
      // beta · x is rounded to 6e-8 of itself, up to 88, and so moves its exponential by as much.
      (.softplus(beta: 3, threshold: 5), Tolerance(absolute: tiny, relative: 4e-7 + 88 * 6e-8)),
    ]
  }()

  /// Every exponent, both signs, some mantissas of each; a fine sweep of what activations see; and the special values.
  private static let arguments: [Float] = {
    var values: [Float] = [
      0, -0.0, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude,
      -.leastNormalMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
    ]
    for edge in [87.336544, 87.5, 88, 88.37626, 88.722839, 88.72284, 89, 103.97, 104, 20, 9.01, 4, 3.9999, 1, 0.625] {
      values += [Float(edge), Float(edge).nextUp, Float(edge).nextDown]
      values += [-Float(edge), -Float(edge).nextUp, -Float(edge).nextDown]
    }
    for exponent in UInt32(0)...254 {
      for mantissa in [UInt32(0), 1, 0x2aaaaa, 0x400000, 0x7fffff] {
        let magnitude = Float(bitPattern: exponent << 23 | mantissa)
        values += [magnitude, -magnitude]
      }
    }
    values += (0...40_000).map { Float($0) / 400 - 50 }
    values += (0...20_000).map { Float($0) / 10_000 - 1 }
    return values
  }()

  @Test(arguments: functions.indices)
  func agreesWithTheDefinition(index: Int) {
    let (function, tolerance) = Self.functions[index]
    let x = Tensor([Self.arguments.count], Self.arguments)
    let expected = NaiveTensor(x).map(function.value)
    #expect(
      disagreements(of: Elementwise(function), [x], with: [expected], tolerance, on: everyBackend()) == [],
      "\(function)")
  }

  /// NaN goes in, NaN comes out, of every function but quantisation, which gives its lower bound.
  @Test(arguments: functions.indices)
  func passesNaNOn(index: Int) {
    let function = Self.functions[index].0
    let x = Tensor([40], repeating: Float.nan)
    var expected = NaiveTensor(x)
    if case .quantize(let step, let low, _) = function { expected = expected.map { _ in Double(low * step) } }
    #expect(
      disagreements(of: Elementwise(function), [x], with: [expected], .exact, on: everyBackend()) == [],
      "\(function)")
  }

  /// Runs of every length around the widths of registers: the last, partly filled one computes the same as the others.
  @Test func everyLengthIsComputedToItsEnd() {
    let backends = everyBackend()
    withEvery("count", in: 1...70) { count in
      withEvery(
        "function", in: [ElementwiseFunction.sigmoid, .hardSwish, .log, .quantize(step: 0.1, low: -7, high: 30)]
      ) { function in
        let x = Tensor.random([3, count], in: 0.1...4, seed: UInt64(count))
        let expected = NaiveTensor(x).map(function.value)
        let tolerance = Tolerance(absolute: 3e-7, relative: 3e-7)
        #expect(disagreements(of: Elementwise(function), [x], with: [expected], tolerance, on: backends) == [])
      }
      let x = Tensor.random([3, count], in: -9...9, seed: UInt64(count))
      let naive = NaiveTensor(x)
      let softmax = naive.softmax(axis: 1, logarithm: false)
      #expect(disagreements(of: Softmax(), [x], with: [softmax], Tolerance(absolute: 1e-6), on: backends) == [])
      #expect(disagreements(of: ArgMax(), [x], with: [naive.argmax(axis: 1)], .exact, on: backends) == [])
    }
  }
}
