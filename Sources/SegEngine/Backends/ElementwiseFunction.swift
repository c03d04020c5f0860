/// A function of one number, applied to each element: an activation or elementary function.
///
/// Values agree with the mathematical definition to about two units in the last place of float32, erf and what is built on it
/// to 1e-7 absolute.
public enum ElementwiseFunction: Hashable, Sendable {
  /// x
  case identity
  /// max(x, 0)
  case relu
  /// min(max(x, low), high); ReLU6 is `clip(0, 6)`.
  case clip(low: Float, high: Float)
  /// x where positive, else slope · x
  case leakyReLU(slope: Float)
  /// x where positive, else alpha · (eˣ − 1)
  case elu(alpha: Float)
  /// x · Φ(x), Φ the normal distribution function through erf
  case gelu
  /// GELU with Φ approximated through tanh: x · (1 + tanh(√(2/π) · (x + 0.044715 x³))) / 2
  case geluTanh
  /// x · sigmoid(x), also called swish
  case silu
  /// min(max(slope · x + offset, 0), 1); PyTorch's is slope 1/6, offset 1/2, ONNX's default 0.2 and 0.5
  case hardSigmoid(slope: Float, offset: Float)
  /// x · min(max(x / 6 + 1/2, 0), 1)
  case hardSwish
  /// 1 / (1 + e⁻ˣ)
  case sigmoid
  case tanh
  /// log(1 + e^(beta x)) / beta, and x itself where beta · x is above the threshold
  case softplus(beta: Float, threshold: Float)
  case exp
  case log
  case sqrt
  case abs
  case negate
  case reciprocal
  case erf
  /// round(min(max(x / step, low), high)) · step, ties to even: the nearest of the multiples of a step from low · step to high · step.
  /// The bounds are whole numbers of magnitude 2²² at most. NaN becomes the lower bound, as in ONNX Runtime.
  case quantize(step: Float, low: Float, high: Float)

  /// The name without parameters.
  var name: String { String("\(self)".prefix { $0 != "(" }) }

  /// min(max(x, 0), 6)
  public static var relu6: ElementwiseFunction { .clip(low: 0, high: 6) }

  /// The number of operations per element: each arithmetic operation, comparison or call of an elementary function counts as one.
  public var operationCount: Int {
    switch self {
    case .identity: 0
    case .relu, .tanh, .exp, .log, .sqrt, .abs, .negate, .reciprocal, .erf: 1
    case .clip, .leakyReLU: 2
    case .elu, .sigmoid: 3
    case .quantize: 5
    case .silu, .hardSigmoid, .gelu: 4
    case .hardSwish, .softplus: 5
    case .geluTanh: 8
    }
  }
}
