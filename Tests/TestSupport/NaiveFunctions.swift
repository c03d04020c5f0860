import Foundation
import SegEngine

extension ElementwiseFunction {
  /// The function by its definition in Double, by the C library.
  public func value(_ x: Double) -> Double {
    func clip(_ x: Double, _ low: Double, _ high: Double) -> Double { x < low ? low : x > high ? high : x }
    switch self {
    case .identity: return x
    case .relu: return clip(x, 0, .infinity)
    case .clip(let low, let high): return clip(x, Double(low), Double(high))
    case .leakyReLU(let slope): return x > 0 ? x : Double(slope) * x
    case .elu(let alpha): return x > 0 ? x : Double(alpha) * Foundation.expm1(x)
    case .gelu: return x / 2 * Foundation.erfc(-x * 0.5.squareRoot())
    case .geluTanh: return x / 2 * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .silu: return x / (1 + Foundation.exp(-x))
    case .hardSigmoid(let slope, let offset): return clip(Double(slope) * x + Double(offset), 0, 1)
    case .hardSwish: return x * clip(x / 6 + 0.5, 0, 1)
    case .sigmoid: return 1 / (1 + Foundation.exp(-x))
    case .tanh: return Foundation.tanh(x)
    case .softplus(let beta, let threshold):
      let z = Double(beta) * x
      if z > Double(threshold) { return x }
      return (z > 0 ? z + Foundation.log1p(Foundation.exp(-z)) : Foundation.log1p(Foundation.exp(z))) / Double(beta)
    case .exp: return Foundation.exp(x)
    case .log: return Foundation.log(x)
    case .sqrt: return x.squareRoot()
    case .abs: return Swift.abs(x)
    case .negate: return -x
    case .reciprocal: return 1 / x
    case .erf: return Foundation.erf(x)
    case .quantize(let step, let low, let high):
      let quotient = Double(Float(x) / step).rounded(.toNearestOrEven)
      return (quotient.isNaN ? Double(low) : clip(quotient, Double(low), Double(high))) * Double(step)
    }
  }
}
