#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

extension ElementwiseFunction {
  /// Computes the derivative at a number in Double. At a bend it is PyTorch's: 0 for ReLU, clip and absolute value.
  func derivative(at x: Double) -> Double {
    func inside(_ x: Double, _ low: Double, _ high: Double) -> Double { x > low && x < high ? 1 : 0 }
    switch self {
    case .identity: return 1
    case .relu: return x > 0 ? 1 : 0
    case .clip(let low, let high): return inside(x, Double(low), Double(high))
    case .leakyReLU(let slope): return x > 0 ? 1 : Double(slope)
    case .elu(let alpha): return x > 0 ? 1 : Double(alpha) * doubleExp(x)
    case .gelu:
      return erfc(-x / 2.0.squareRoot()) / 2 + x * doubleExp(-x * x / 2) / (2 * Double.pi).squareRoot()
    case .geluTanh:
      let root = (2 / Double.pi).squareRoot()
      let t = doubleTanh(root * (x + 0.044715 * x * x * x))
      return (1 + t) / 2 + x * (1 - t * t) * root * (1 + 3 * 0.044715 * x * x) / 2
    case .silu:
      let s = 1 / (1 + doubleExp(-x))
      return s * (1 + x * (1 - s))
    case .hardSigmoid(let slope, let offset): return Double(slope) * inside(Double(slope) * x + Double(offset), 0, 1)
    case .hardSwish: return x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5
    case .sigmoid:
      let s = 1 / (1 + doubleExp(-x))
      return s * (1 - s)
    case .tanh:
      let t = doubleTanh(x)
      return 1 - t * t
    case .softplus(let beta, let threshold):
      return Double(beta) * x > Double(threshold) ? 1 : 1 / (1 + doubleExp(-Double(beta) * x))
    case .exp: return doubleExp(x)
    case .log: return 1 / x
    case .sqrt: return 0.5 / x.squareRoot()
    case .abs: return x > 0 ? 1 : x < 0 ? -1 : 0
    case .negate: return -1
    case .reciprocal: return -1 / (x * x)
    case .erf: return 2 / Double.pi.squareRoot() * doubleExp(-x * x)
    case .quantize: return 0
    }
  }

  /// Computes the derivative from the function's value in Double.
  ///
  /// - Precondition: ``valueTellsDerivative`` holds.
  func derivative(ofValue y: Double) -> Double {
    precondition(valueTellsDerivative, "the derivative of \(self) is no function of its value")
    switch self {
    case .relu, .clip, .leakyReLU, .identity, .negate: return derivative(at: y)
    case .elu(let alpha): return y > 0 ? 1 : y + Double(alpha)
    case .hardSigmoid(let slope, _): return y > 0 && y < 1 ? Double(slope) : 0
    case .sigmoid: return y * (1 - y)
    case .tanh: return 1 - y * y
    case .exp: return y
    case .sqrt: return 0.5 / y
    case .reciprocal: return -y * y
    default: return 1
    }
  }
}

// The cases of the enumeration hide the functions of the same names.
private func doubleExp(_ x: Double) -> Double { exp(x) }
private func doubleTanh(_ x: Double) -> Double { tanh(x) }
