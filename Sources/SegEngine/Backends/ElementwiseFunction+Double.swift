#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

extension ElementwiseFunction {
  /// Computes the function in Double, by its definition.
  func callAsFunction(_ x: Double) -> Double {
    func clip(_ x: Double, _ low: Double, _ high: Double) -> Double { x < low ? low : x > high ? high : x }
    switch self {
    case .identity: return x
    case .relu: return x < 0 ? 0 : x
    case .clip(let low, let high): return clip(x, Double(low), Double(high))
    case .leakyReLU(let slope): return x > 0 ? x : Double(slope) * x
    case .elu(let alpha): return x > 0 ? x : Double(alpha) * expm1(x)
    case .gelu: return x * erfc(-x / 2.0.squareRoot()) / 2
    case .geluTanh: return x * (1 + doubleTanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x))) / 2
    case .silu: return x / (1 + doubleExp(-x))
    case .hardSigmoid(let slope, let offset): return clip(Double(slope) * x + Double(offset), 0, 1)
    case .hardSwish: return x * clip(x / 6 + 0.5, 0, 1)
    case .sigmoid: return 1 / (1 + doubleExp(-x))
    case .tanh: return doubleTanh(x)
    case .softplus(let beta, let threshold):
      let z = Double(beta) * x
      return z > Double(threshold) ? x : (max(z, 0) + log1p(doubleExp(-Swift.abs(z)))) / Double(beta)
    case .exp: return doubleExp(x)
    case .log: return doubleLog(x)
    case .sqrt: return x.squareRoot()
    case .abs: return Swift.abs(x)
    case .negate: return -x
    case .reciprocal: return 1 / x
    case .erf: return doubleErf(x)
    case .quantize(let step, let low, let high):
      // The quotient is rounded to float32, as the kernels do, so that ties are those of float32.
      let quotient = Double(Float(x) / step)
      let bounded = quotient.isNaN ? Double(low) : clip(quotient, Double(low), Double(high))
      return bounded.rounded(.toNearestOrEven) * Double(step)
    }
  }
}

// The cases of the enumeration hide the functions of the same names.
private func doubleExp(_ x: Double) -> Double { exp(x) }
private func doubleLog(_ x: Double) -> Double { log(x) }
private func doubleTanh(_ x: Double) -> Double { tanh(x) }
private func doubleErf(_ x: Double) -> Double { erf(x) }
