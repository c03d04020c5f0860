/// A function applied to each element: an activation or elementary function.
///
/// Input: x of any shape. Output: the shape of x. Accuracy: see ``ElementwiseFunction``.
public struct Elementwise: Operator, Pointwise {
  public static let name = "Elementwise"

  /// The function.
  public let function: ElementwiseFunction

  /// Makes the operator.
  public init(_ function: ElementwiseFunction) { self.function = function }

  public var latencyKind: String { "\(Self.name) \(function.name)" }

  public var attributes: String { "\(function)" }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    try requireFloat(inputs[0])
    return inputs
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(
      otherOperations: function.operationCount * outputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  public func overwritableInputs(of count: Int) -> [Int] { [0] }
  public var takesRowStrides: Bool { true }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let function = function
    return PreparedOperator { context in
      let x = context.input(0)
      let y = context.output()
      if x.isContiguous && y.isContiguous {
        context.workers.forEachRange(x.shape.elementCount, grain: 8192) { range, _ in
          context.kernels.map(function, x.floats + range.lowerBound, y.floats + range.lowerBound, count: range.count)
        }
      } else {
        let channels = x.shape.channels
        context.workers.forEachRange(x.shape.rows, grain: max(1, 8192 / max(1, channels))) { rows, _ in
          for row in rows {
            context.kernels.map(function, x.floats + row * x.rowStride, y.floats + row * y.rowStride, count: channels)
          }
        }
      }
    }
  }
}

extension Value {
  /// Applies a function to each element.
  public func map(
    _ function: ElementwiseFunction, named name: String? = nil, file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(Elementwise(function), named: name ?? "\(function)".prefix { $0 != "(" }.description, file: file, line: line)
  }

  /// Computes max(x, 0).
  public func relu(file: StaticString = #fileID, line: UInt = #line) -> Value { map(.relu, file: file, line: line) }

  /// Computes min(max(x, 0), 6).
  public func relu6(file: StaticString = #fileID, line: UInt = #line) -> Value {
    map(.relu6, named: "relu6", file: file, line: line)
  }

  /// Computes 1 / (1 + e⁻ˣ).
  public func sigmoid(file: StaticString = #fileID, line: UInt = #line) -> Value {
    map(.sigmoid, file: file, line: line)
  }

  /// Computes x · Φ(x).
  public func gelu(file: StaticString = #fileID, line: UInt = #line) -> Value { map(.gelu, file: file, line: line) }

  /// Computes x · sigmoid(x).
  public func silu(file: StaticString = #fileID, line: UInt = #line) -> Value { map(.silu, file: file, line: line) }

  /// Computes x · min(max(x / 6 + 1/2, 0), 1).
  public func hardSwish(file: StaticString = #fileID, line: UInt = #line) -> Value {
    map(.hardSwish, file: file, line: line)
  }
}

extension Elementwise: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    let x = inputs[0].properties
    if function.keeps(x.range) { return [x] }
    var y = x.with(range: function.range(of: x.range))
    y.levels = x.levels.flatMap { levels in ValueProperties.few(levels.map { function($0) }) }
    switch function {
    case .relu, .abs, .negate: y.isInteger = x.isInteger
    case .clip(let low, let high):
      y.isInteger =
        x.isInteger && (low.isInfinite || low == low.rounded()) && (high.isInfinite || high == high.rounded())
      y.isCategorical = x.isCategorical
      // A span with a lower bound ε is at least the span: x / max(span, ε) is no larger than x / span.
      if low >= 0, high == .infinity || Double(high) >= x.range.highest { y.relation = x.relation?.ifSpan }
    case .reciprocal:
      if var relation = x.relation {
        relation.isReciprocal.toggle()
        y.relation = relation
      }
    case .quantize(let step, _, _):
      y.isInteger = step == step.rounded()
      // Rounding moves each element by half a step at most, so that sums stay close to one.
      y.unitSumAxis = x.unitSumAxis
    case .log: y.isLogProbability = x.range.isWithin(.unit, slack: 1e-3)
    case .exp where x.isLogProbability: y.range = .unit
    default: break
    }
    return [y]
  }
}

extension ElementwiseFunction {
  /// Returns whether the function leaves all numbers of an interval unchanged.
  fileprivate func keeps(_ range: ValueRange) -> Bool {
    switch self {
    case .identity: true
    case .relu, .abs: range.lowest >= 0
    case .clip(let low, let high): range.isWithin(ValueRange(Double(low), Double(high)))
    default: false
    }
  }
}

extension Elementwise: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    guard function.isDifferentiable else { return [nil] }
    return [context.gradient(before: function) { Identity() }]
  }
}
