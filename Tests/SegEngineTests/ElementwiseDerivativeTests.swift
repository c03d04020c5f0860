import TestSupport
import Testing

@testable import SegEngine

/// Derivatives in Double against central differences of the functions in Double.
@Suite struct ElementwiseDerivativeTests {
  /// Every function, with the interval on which it is tested and its bends.
  static let cases: [(function: ElementwiseFunction, range: ClosedRange<Double>, bends: [Double])] = [
    (.identity, -5...5, []), (.relu, -5...5, [0]), (.clip(low: -1, high: 3), -5...5, [-1, 3]),
    (.clip(low: 0, high: 6), -8...8, [0, 6]), (.leakyReLU(slope: 0.1), -5...5, [0]),
    (.leakyReLU(slope: 0), -5...5, [0]), (.leakyReLU(slope: -0.5), -5...5, [0]), (.elu(alpha: 1), -5...5, []),
    (.elu(alpha: 0.5), -5...5, [0]), (.elu(alpha: -1), -5...5, [0]), (.gelu, -6...6, []), (.geluTanh, -6...6, []),
    (.silu, -8...8, []), (.hardSigmoid(slope: 0.2, offset: 0.5), -5...5, [-2.5, 2.5]),
    (.hardSigmoid(slope: 1 / 6, offset: 0.5), -5...5, [-3, 3]),
    (.hardSigmoid(slope: -0.25, offset: 0.5), -5...5, [-2, 2]),
    (.hardSwish, -5...5, [-3, 3]), (.sigmoid, -8...8, []), (.tanh, -5...5, []),
    (.softplus(beta: 1, threshold: 20), -30...30, [20]), (.softplus(beta: 2.5, threshold: 4), -5...5, [1.6]),
    (.exp, -5...5, []), (.log, 0.1...9, []), (.sqrt, 0.1...9, []), (.abs, -5...5, [0]), (.negate, -5...5, []),
    (.reciprocal, 0.1...5, []), (.reciprocal, -5 ... -0.1, []), (.erf, -4...4, []),
  ]

  private static let step = 1e-5

  /// Points between the ends, none of which is near a bend.
  private static func points(_ range: ClosedRange<Double>, _ bends: [Double]) -> [Double] {
    let count = 301
    return (0..<count).map {
      range.lowerBound + (range.upperBound - range.lowerBound) * (Double($0) + 0.37) / Double(count)
    }
    .filter { x in bends.allSatisfy { abs($0 - x) > 3 * step } }
  }

  @Test func everyFunctionHasACase() {
    // `quantize` is the one function without a derivative.
    let names = Set(Self.cases.map(\.function.name))
    #expect(
      names == [
        "identity", "relu", "clip", "leakyReLU", "elu", "gelu", "geluTanh", "silu", "hardSigmoid", "hardSwish",
        "sigmoid",
        "tanh", "softplus", "exp", "log", "sqrt", "abs", "negate", "reciprocal", "erf",
      ])
    #expect(Self.cases.allSatisfy { $0.function.isDifferentiable })
    #expect(!ElementwiseFunction.quantize(step: 1, low: -4, high: 4).isDifferentiable)
  }

  /// The error of a difference is h² f‴ / 6, and the rounding of f over h: 1e-16 · f / 1e-5.
  @Test func derivativesAreDifferences() {
    for (function, range, bends) in Self.cases {
      for x in Self.points(range, bends) {
        let h = Self.step
        let difference = (function(x + h) - function(x - h)) / (2 * h)
        let derivative = function.derivative(at: x)
        let tolerance = 1e-7 * max(1, abs(derivative), abs(function(x)))
        #expect(abs(derivative - difference) <= tolerance, "\(function) at \(x): \(derivative), expected \(difference)")
      }
    }
  }

  /// The value tells the derivative: where it is said to.
  @Test func derivativesFollowFromValues() {
    var count = 0
    for (function, range, bends) in Self.cases where function.valueTellsDerivative {
      count += 1
      for x in Self.points(range, bends) {
        let (ofValue, derivative) = (function.derivative(ofValue: function(x)), function.derivative(at: x))
        #expect(abs(ofValue - derivative) <= 1e-12 * max(1, abs(derivative)), "\(function) at \(x)")
      }
    }
    #expect(count >= 12)
  }

  /// Functions of which two numbers have one value and other derivatives are not said to.
  @Test func valuesThatDoNotTellAreNamed() {
    for function: ElementwiseFunction in [
      .gelu, .silu, .hardSwish, .abs, .leakyReLU(slope: 0), .leakyReLU(slope: -0.5), .elu(alpha: -1),
    ] { #expect(!function.valueTellsDerivative, "\(function)") }
  }

  /// At a bend, PyTorch's derivative.
  @Test func bends() {
    #expect(ElementwiseFunction.relu.derivative(at: 0) == 0)
    #expect(ElementwiseFunction.relu6.derivative(at: 0) == 0)
    #expect(ElementwiseFunction.relu6.derivative(at: 6) == 0)
    #expect(ElementwiseFunction.abs.derivative(at: 0) == 0)
    #expect(ElementwiseFunction.leakyReLU(slope: 0.25).derivative(at: 0) == 0.25)
    #expect(ElementwiseFunction.elu(alpha: 0.5).derivative(at: 0) == 0.5)
    #expect(ElementwiseFunction.elu(alpha: 0.5).derivative(ofValue: 0) == 0.5)
  }
}
