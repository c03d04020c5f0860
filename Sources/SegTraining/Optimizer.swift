/// A rule by which weights follow their gradients.
///
/// Weight decay is that of ``decay`` for weights of two or more axes (convolutions, linear layers). Biases and the weights of
/// normalisations do not decay.
public struct Optimizer: Sendable, Hashable {
  /// The rule.
  public enum Method: Sendable, Hashable {
    /// Gradient descent with momentum, PyTorch's `SGD`; the decay is added to the gradient.
    case sgd(momentum: Double, nesterov: Bool)
    /// Adam with decoupled decay (Loshchilov and Hutter 2019), PyTorch's `AdamW`.
    case adamW(beta1: Double, beta2: Double, epsilon: Double)
    /// The sign of a momentum (Chen et al. 2023).
    case lion(beta1: Double, beta2: Double)
  }

  /// The rule.
  public var method: Method
  /// The weight decay.
  public var decay: Double
  /// Whether biases and weights of normalisations decay too.
  public var decaysAll = false

  /// Makes an optimiser.
  ///
  /// - Precondition: the decay is not negative; momenta are at least 0 and less than 1.
  public init(_ method: Method, decay: Double) {
    func isMomentum(_ number: Double) -> Bool { (0..<1).contains(number) }
    precondition(decay >= 0 && decay.isFinite, "a weight decay is not negative: \(decay)")
    switch method {
    case .sgd(let momentum, let nesterov):
      precondition(isMomentum(momentum), "a momentum is 0 or more and less than 1: \(momentum)")
      precondition(!nesterov || momentum > 0, "Nesterov's momentum is positive")
    case .adamW(let beta1, let beta2, let epsilon):
      precondition(isMomentum(beta1) && isMomentum(beta2) && epsilon > 0, "\(beta1), \(beta2), \(epsilon) are no Adam")
    case .lion(let beta1, let beta2):
      precondition(isMomentum(beta1) && isMomentum(beta2), "\(beta1), \(beta2) are no Lion")
    }
    self.method = method
    self.decay = decay
  }

  /// Gradient descent with momentum.
  public static func sgd(momentum: Double = 0.9, nesterov: Bool = false, decay: Double = 0) -> Optimizer {
    Optimizer(.sgd(momentum: momentum, nesterov: nesterov), decay: decay)
  }

  /// Adam with decoupled weight decay.
  public static func adamW(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, decay: Double = 0.01
  ) -> Optimizer {
    Optimizer(.adamW(beta1: beta1, beta2: beta2, epsilon: epsilon), decay: decay)
  }

  /// The sign of a momentum. Its rate is a third to a tenth of Adam's, its decay as many times larger.
  public static func lion(beta1: Double = 0.9, beta2: Double = 0.99, decay: Double = 0.1) -> Optimizer {
    Optimizer(.lion(beta1: beta1, beta2: beta2), decay: decay)
  }
}
