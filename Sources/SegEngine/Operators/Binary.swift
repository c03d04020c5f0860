/// An operation on two tensors elementwise, with NumPy's broadcasting: shapes are aligned at their last axes, and an
/// extent of 1 (or a missing axis) repeats.
///
/// Inputs: p, q, float32. Output: the broadcast shape. An activation function may be fused. Each operation rounds once; `power` is that of
/// the C library.
public struct Binary: Operator, FunctionAbsorbing, BinaryArithmetic, ChannelAffine {
  public static let name = "Binary"

  /// The operation.
  public let operation: BinaryOperation
  /// The function applied to the result.
  public let function: ElementwiseFunction

  /// Makes the operator.
  public init(_ operation: BinaryOperation, function: ElementwiseFunction = .identity) {
    self.operation = operation
    self.function = function
  }

  public var latencyKind: String { "\(Self.name) \(operation)" }

  public var attributes: String { "\(operation)" + (function == .identity ? "" : " \(function)") }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 2...2)
    for input in inputs { try requireFloat(input) }
    guard let shape = inputs[0].shape.broadcast(with: inputs[1].shape) else {
      throw ShapeError(
        Self.name, "\(operation): \(inputs[0].shape) and \(inputs[1].shape) do not broadcast to one shape")
    }
    return [TensorSpec(try self.shape(shape.dimensions))]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(
      otherOperations: (1 + function.operationCount) * outputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  public func overwritableInputs(of count: Int) -> [Int] { [0, 1] }
  public var takesRowStrides: Bool { true }

  public func channelAffine(constants: [Tensor?], channels: Int) -> (scale: [Float], shift: [Float])? {
    guard function == .identity, constants.count == 2,
      let place = constants.firstIndex(where: { $0 != nil }), constants[1 - place] == nil,
      let constant = constants[place],
      constant.elementType == .float32,
      constant.count == 1 || (constant.count == channels && constant.shape.channels == channels)
    else { return nil }
    let given = constant.elements(of: Float.self)
    let values = given.count == channels ? given : [Float](repeating: given[0], count: channels)
    let (zeros, ones) = ([Float](repeating: 0, count: channels), [Float](repeating: 1, count: channels))
    switch operation {
    case .add: return (ones, values)
    case .multiply: return (values, zeros)
    case .subtract: return place == 1 ? (ones, values.map { -$0 }) : (ones.map { -$0 }, values)
    // The product with the reciprocal is within a unit in the last place of the quotient.
    case .divide:
      return place == 1 && values.allSatisfy { $0 != 0 && $0.isFinite } ? (values.map { 1 / $0 }, zeros) : nil
    case .maximum, .minimum, .power: return nil
    }
  }

  public func absorbing(_ function: ElementwiseFunction) -> (any Operator)? {
    self.function.followed(by: function).map { Binary(operation, function: $0) }
  }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let loops = BroadcastLoops(context.inputs[0].shape, context.inputs[1].shape, to: context.outputs[0].shape)
    let (operation, function) = (operation, function)
    return PreparedOperator { context in
      let (p, q, y) = (context.input(0), context.input(1), context.output())
      let device = context.device
      loops.run(p, q, y, over: device.workers) { piece in
        // Adding or multiplying by one vector per channel takes all rows in one call.
        if piece.rows > 1, piece.pStep == 1, piece.qStep == 1, piece.pRow == 0 || piece.qRow == 0 {
          let isVectorFirst = piece.pRow == 0
          let (x, vector) =
            isVectorFirst ? (q.floats + piece.q, p.floats + piece.p) : (p.floats + piece.p, q.floats + piece.q)
          let xStride = isVectorFirst ? piece.qRow : piece.pRow
          if operation == .add || operation == .multiply {
            device.kernels.affine(
              x, xStride: xStride,
              Epilogue(
                scale: operation == .multiply ? vector : nil, shift: operation == .add ? vector : nil,
                function: function),
              into: Destination(y.floats + piece.y, stride: piece.yRow), rows: piece.rows, channels: piece.count)
            return
          }
        }
        for row in 0..<piece.rows {
          let (rowP, rowQ) = (p.floats + piece.p + row * piece.pRow, q.floats + piece.q + row * piece.qRow)
          let rowY = y.floats + piece.y + row * piece.yRow
          for start in stride(from: 0, to: piece.count, by: 4096) {
            let count = min(4096, piece.count - start)
            device.kernels.combine(
              operation, rowP + start * piece.pStep, pStep: piece.pStep, rowQ + start * piece.qStep, qStep: piece.qStep,
              rowY + start, count: count)
            if function != .identity { device.kernels.map(function, rowY + start, rowY + start, count: count) }
          }
        }
      }
    }
  }
}

extension Value {
  /// Applies an operation to this value and another elementwise, with broadcasting.
  public func combine(
    _ operation: BinaryOperation, _ other: Value, named name: String? = nil, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Value {
    apply(Binary(operation), named: name ?? "\(operation)", with: [other], file: file, line: line)
  }

  /// Computes the elementwise maximum of two values, with broadcasting; NaN if either is.
  public func maximum(_ other: Value, file: StaticString = #fileID, line: UInt = #line) -> Value {
    combine(.maximum, other, file: file, line: line)
  }

  /// Computes the elementwise minimum of two values, with broadcasting; NaN if either is.
  public func minimum(_ other: Value, file: StaticString = #fileID, line: UInt = #line) -> Value {
    combine(.minimum, other, file: file, line: line)
  }

  /// Raises this value to the power of another elementwise, with broadcasting.
  public func power(_ other: Value, file: StaticString = #fileID, line: UInt = #line) -> Value {
    combine(.power, other, file: file, line: line)
  }

  /// Raises each element to the power of a number.
  public func power(_ exponent: Float, file: StaticString = #fileID, line: UInt = #line) -> Value {
    combine(.power, number(exponent), file: file, line: line)
  }

  /// Computes the maximum of each element and a number.
  public func maximum(_ other: Float, file: StaticString = #fileID, line: UInt = #line) -> Value {
    combine(.maximum, number(other), file: file, line: line)
  }

  /// Computes the minimum of each element and a number.
  public func minimum(_ other: Float, file: StaticString = #fileID, line: UInt = #line) -> Value {
    combine(.minimum, number(other), file: file, line: line)
  }

  // Swift does not tell an operator function its caller's line. Errors name the operands instead.

  /// Computes the elementwise sum, with broadcasting.
  public static func + (a: Value, b: Value) -> Value { a.joined(.add, b) }
  /// Computes the elementwise difference, with broadcasting.
  public static func - (a: Value, b: Value) -> Value { a.joined(.subtract, b) }
  /// Computes the elementwise product, with broadcasting.
  public static func * (a: Value, b: Value) -> Value { a.joined(.multiply, b) }
  /// Computes the elementwise quotient, with broadcasting.
  public static func / (a: Value, b: Value) -> Value { a.joined(.divide, b) }

  /// Adds a number to each element.
  public static func + (a: Value, b: Float) -> Value { a.joined(.add, a.number(b)) }
  /// Subtracts a number from each element.
  public static func - (a: Value, b: Float) -> Value { a.joined(.subtract, a.number(b)) }
  /// Multiplies each element by a number.
  public static func * (a: Value, b: Float) -> Value { a.joined(.multiply, a.number(b)) }
  /// Divides each element by a number.
  public static func / (a: Value, b: Float) -> Value { a.joined(.divide, a.number(b)) }

  /// Adds each element to a number.
  public static func + (a: Float, b: Value) -> Value { b.number(a).joined(.add, b) }
  /// Subtracts each element from a number.
  public static func - (a: Float, b: Value) -> Value { b.number(a).joined(.subtract, b) }
  /// Multiplies a number by each element.
  public static func * (a: Float, b: Value) -> Value { b.number(a).joined(.multiply, b) }
  /// Divides a number by each element.
  public static func / (a: Float, b: Value) -> Value { b.number(a).joined(.divide, b) }

  private func joined(_ operation: BinaryOperation, _ other: Value) -> Value {
    builder.add(Binary(operation), named: "\(operation)", to: [self, other], at: nil)[0]
  }

  private func number(_ value: Float) -> Value { graph.constant(Tensor(scalar: value)) }
}

extension Binary: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    let p = inputs[0].properties.broadcast(from: inputs[0].spec, to: outputs[0])
    let q = inputs[1].properties.broadcast(from: inputs[1].spec, to: outputs[0])
    let axes = [AxisMeaning].following(inputs, to: outputs[0], broadcasting: true)
    // A product with one number, or a sum with one: levels and labels are transformed with it.
    func number(_ value: ValueProperties) -> Double? { value.levels.flatMap { $0.count == 1 ? $0[0] : nil } }
    var y: ValueProperties
    switch (operation, number(p), number(q)) {
    case (.multiply, let scale?, _): y = q.scaled(by: scale, plus: 0)
    case (.multiply, _, let scale?): y = p.scaled(by: scale, plus: 0)
    case (.divide, _, let scale?) where scale != 0:
      y = p.scaled(by: 1 / scale, plus: 0)
      y.levels = p.levels.flatMap { ValueProperties.few($0.map { $0 / scale }) }
    case (.add, let shift?, _): y = q.scaled(by: 1, plus: shift)
    case (.add, _, let shift?): y = p.scaled(by: 1, plus: shift)
    case (.subtract, _, let shift?): y = p.scaled(by: 1, plus: -shift)
    case (.subtract, let shift?, _): y = q.scaled(by: -1, plus: shift)
    default:
      y = p.with(range: p.range.combined(operation, q.range))
      y.isInteger = p.isInteger && q.isInteger && operation != .divide && operation != .power
      if operation == .maximum || operation == .minimum {
        y.isCategorical = p.joined(with: q).isCategorical
        if p.isKept(operation, beside: q.range) { y = p }
        if q.isKept(operation, beside: p.range) { y = q }
      } else if operation == .multiply || operation == .add {
        // A product or sum of two masks.
        y.isCategorical = p.isCategorical && q.isCategorical
      }
      if let left = p.levels, let right = q.levels {
        y.levels = ValueProperties.few(left.flatMap { l in right.map { operation(l, $0) } })
      }
    }
    y.axes = axes
    y.relation = nil
    relate(p, q, outputs[0], &y)
    return function == .identity ? [y] : Elementwise(function).properties(of: [.init(outputs[0], y)], outputs: outputs)
  }

  /// Derives properties of a difference, quotient or product of two operands that depend on the same value.
  private func relate(_ p: ValueProperties, _ q: ValueProperties, _ output: TensorSpec, _ y: inout ValueProperties) {
    let (left, right) = (p.relation, q.relation)
    switch operation {
    case .subtract:
      guard let left, let right, left.base == right.base, !left.isReciprocal, !right.isReciprocal,
        right.kind == .minimum
      else { return }
      if left.kind == .elements { y.relation = .init(kind: .aboveMinimum, base: left.base) }
      if left.kind == .maximum { y.relation = .init(kind: .span, base: left.base) }
      if y.relation != nil { y.range = y.range.intersection(ValueRange(0, .infinity)) }
    case .add:
      // A span and its lower bound, which prevents division by 0.
      if let span = left?.ifSpan, q.range.lowest >= 0 { y.relation = span }
      if let span = right?.ifSpan, p.range.lowest >= 0 { y.relation = span }
      if y.relation != nil { y.range = y.range.intersection(ValueRange(0, .infinity)) }
    case .maximum:
      y.relation = left?.ifSpan ?? right?.ifSpan
    case .divide:
      guard let left, let right, !left.isReciprocal, !right.isReciprocal else { return }
      share(left, p.range, of: right, output, &y)
    case .multiply:
      guard let left, let right, left.isReciprocal != right.isReciprocal else { return }
      if left.isReciprocal {
        share(right, q.range, of: left, output, &y)
      } else {
        share(left, p.range, of: right, output, &y)
      }
    case .minimum, .power: return
    }
  }

  /// Derives that a value divided by its span, maximum or sum is between 0 and 1.
  private func share(
    _ part: ValueRelation, _ range: ValueRange, of whole: ValueRelation, _ output: TensorSpec,
    _ y: inout ValueProperties
  ) {
    guard part.base == whole.base else { return }
    switch (part.kind, whole.kind) {
    case (.aboveMinimum, .span): y.range = .unit
    case (.elements, .maximum) where range.lowest >= 0: y.range = .unit
    case (.elements, .sum(let axis)) where range.lowest >= 0:
      y.range = .unit
      y.unitSumAxis = output.shape.normalizedAxis(axis)
    default: return
    }
    (y.isInteger, y.isCategorical, y.levels) = (false, false, nil)
  }
}

extension ValueProperties {
  /// Returns whether the maximum, or minimum, of this range and another is always this one.
  fileprivate func isKept(_ operation: BinaryOperation, beside other: ValueRange) -> Bool {
    operation == .maximum ? range.lowest >= other.highest : range.highest <= other.lowest
  }
}

extension ValueRelation {
  /// The relation if it is that of a span, else `nil`.
  var ifSpan: ValueRelation? { kind == .span && !isReciprocal ? self : nil }
}

extension Binary: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    let (p, q, y) = (context.inputs[0], context.inputs[1], context.outputs[0])
    let dy = context.gradient(before: function) { Binary(operation) }
    /// The result of the operation before the function.
    func result() -> Value { function == .identity ? y : p.combine(operation, q, named: "result") }
    func gradient(_ index: Int, _ value: () -> Value) -> Value? {
      context.requiresGradient[index] ? value().summed(to: context.inputs[index].shape) : nil
    }
    switch operation {
    case .add: return [gradient(0) { dy }, gradient(1) { dy }]
    case .subtract: return [gradient(0) { dy }, gradient(1) { dy.map(.negate) }]
    case .multiply:
      return [
        gradient(0) { dy.combine(.multiply, q, named: "left") },
        gradient(1) { dy.combine(.multiply, p, named: "right") },
      ]
    case .divide:
      return [
        gradient(0) { dy.combine(.divide, q, named: "left") },
        gradient(1) {
          dy.combine(.multiply, result(), named: "right").combine(.divide, q, named: "right").map(.negate)
        },
      ]
    case .maximum, .minimum:
      return [0, 1].map { index in
        gradient(index) {
          dy.apply(
            ChoiceGradient(ofLargest: operation == .maximum), named: index == 0 ? "left" : "right",
            with: index == 0 ? [p, q] : [q, p])
        }
      }
    case .power:
      return [0, 1].map { index in
        gradient(index) {
          dy.apply(PowerGradient(ofBase: index == 0), named: index == 0 ? "left" : "right", with: [p, q])
        }
      }
    }
  }
}
