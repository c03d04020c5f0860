/// Random zeros in training (Srivastava et al. 2014). In inference the output equals the input.
///
/// Input: x of any shape. Output: the same. A training step replaces the operator by ``RandomMask``, which sets each unit to zero with the
/// probability ``rate`` and multiplies the others by 1 / (1 − rate).
public struct Dropout: Operator {
  public static let name = "Dropout"

  /// What is kept or set to zero as a whole.
  public enum Unit: String, Hashable, Sendable, CaseIterable {
    /// Each element (PyTorch's `Dropout`).
    case element
    /// Each channel of each image (`Dropout2d`; Tompson et al. 2015).
    case channel
    /// Each image: with a residual branch, stochastic depth (Huang et al. 2016), also called drop path.
    case image
  }

  /// The probability of a zero.
  public let rate: Double
  /// What is kept or set to zero as a whole.
  public let unit: Unit

  /// Makes the operator.
  ///
  /// - Precondition: the rate is at least 0 and less than 1.
  public init(rate: Double, of unit: Unit = .element) {
    precondition((0..<1).contains(rate), "a rate is at least 0 and less than 1: \(rate)")
    self.rate = rate
    self.unit = unit
  }

  public var attributes: String { "\(rate)" + (unit == .element ? "" : " of each \(unit.rawValue)") }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    try requireFloat(inputs[0])
    try require(unit == .element || inputs[0].shape.rank > 1, "\(inputs[0]) has no axes of images and channels")
    return inputs
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost { Cost() }

  public func forwardedInput(inputs: [TensorSpec], outputs: [TensorSpec]) -> Int? { 0 }

  public func prepare(_ context: PreparationContext) -> PreparedOperator { .forwarding }
}

extension Value {
  /// Sets elements to zero at random in training, with the probability `rate`, and multiplies the others by 1 / (1 − rate). In inference the
  /// result equals this value.
  public func dropout(
    _ name: String = "dropout", rate: Double, of unit: Dropout.Unit = .element, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Value {
    apply(Dropout(rate: rate, of: unit), named: name, file: file, line: line)
  }

  /// Sets the residual branch of whole images to zero at random in training (stochastic depth, drop path): ``dropout(_:rate:of:file:line:)``
  /// of each image.
  public func stochasticDepth(
    _ name: String = "stochasticDepth", rate: Double, file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    dropout(name, rate: rate, of: .image, file: file, line: line)
  }
}

extension Dropout: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    [inputs[0].properties]
  }
}

extension Dropout: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] { [context.outputGradient] }
}
