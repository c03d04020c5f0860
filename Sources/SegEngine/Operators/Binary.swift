/// An operation on two tensors element by element, with NumPy's broadcasting: shapes are aligned at their last axes, and an
/// extent of 1 (or a missing axis) repeats.
///
/// Inputs: p, q, float32. Output: the broadcast shape. An activation that follows may be applied at once. Each element is
/// rounded once for each step; `power` is that of the C library.
public struct Binary: Operator, FunctionAbsorbing, BinaryArithmetic, ChannelAffine {
  public static let name = "Binary"

  /// The operation.
  public let operation: BinaryOperation
  /// What is applied to the result.
  public let function: ElementwiseFunction

  /// Makes the operator.
  public init(_ operation: BinaryOperation, function: ElementwiseFunction = .identity) {
    self.operation = operation
    self.function = function
  }

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
    self.function == .identity ? Binary(operation, function: function) : nil
  }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let loops = BroadcastLoops(context.inputs[0].shape, context.inputs[1].shape, to: context.outputs[0].shape)
    let (operation, function) = (operation, function)
    return PreparedOperator { context in
      let (p, q, y) = (context.input(0), context.input(1), context.output())
      let device = context.device
      loops.run(p, q, y, over: device.workers) { piece in
        // The sum and the product with a vector a channel take all rows in one call.
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
  /// An operation with another value element by element, broadcasting.
  public func combine(
    _ operation: BinaryOperation, _ other: Value, named name: String? = nil, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Value {
    apply(Binary(operation), named: name ?? "\(operation)", with: [other], file: file, line: line)
  }

  /// The larger of two values element by element, broadcasting; NaN where either is.
  public func maximum(_ other: Value, file: StaticString = #fileID, line: UInt = #line) -> Value {
    combine(.maximum, other, file: file, line: line)
  }

  /// The smaller of two values element by element, broadcasting; NaN where either is.
  public func minimum(_ other: Value, file: StaticString = #fileID, line: UInt = #line) -> Value {
    combine(.minimum, other, file: file, line: line)
  }

  /// This value to the power of another element by element, broadcasting.
  public func power(_ other: Value, file: StaticString = #fileID, line: UInt = #line) -> Value {
    combine(.power, other, file: file, line: line)
  }

  /// This value to the power of a number.
  public func power(_ exponent: Float, file: StaticString = #fileID, line: UInt = #line) -> Value {
    combine(.power, number(exponent), file: file, line: line)
  }

  /// The larger of each element and a number.
  public func maximum(_ other: Float, file: StaticString = #fileID, line: UInt = #line) -> Value {
    combine(.maximum, number(other), file: file, line: line)
  }

  /// The smaller of each element and a number.
  public func minimum(_ other: Float, file: StaticString = #fileID, line: UInt = #line) -> Value {
    combine(.minimum, number(other), file: file, line: line)
  }

  // Swift gives the function of a sign no place for its caller's line: errors name its operands.

  /// Sum, element by element with broadcasting.
  public static func + (a: Value, b: Value) -> Value { a.joined(.add, b) }
  /// Difference, element by element with broadcasting.
  public static func - (a: Value, b: Value) -> Value { a.joined(.subtract, b) }
  /// Product, element by element with broadcasting.
  public static func * (a: Value, b: Value) -> Value { a.joined(.multiply, b) }
  /// Quotient, element by element with broadcasting.
  public static func / (a: Value, b: Value) -> Value { a.joined(.divide, b) }

  /// Each element plus a number.
  public static func + (a: Value, b: Float) -> Value { a.joined(.add, a.number(b)) }
  /// Each element minus a number.
  public static func - (a: Value, b: Float) -> Value { a.joined(.subtract, a.number(b)) }
  /// Each element times a number.
  public static func * (a: Value, b: Float) -> Value { a.joined(.multiply, a.number(b)) }
  /// Each element divided by a number.
  public static func / (a: Value, b: Float) -> Value { a.joined(.divide, a.number(b)) }

  /// A number plus each element.
  public static func + (a: Float, b: Value) -> Value { b.number(a).joined(.add, b) }
  /// A number minus each element.
  public static func - (a: Float, b: Value) -> Value { b.number(a).joined(.subtract, b) }
  /// A number times each element.
  public static func * (a: Float, b: Value) -> Value { b.number(a).joined(.multiply, b) }
  /// A number divided by each element.
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
    // A product with one number, or a sum: what is said of levels and labels goes with it.
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
        // A mask times a mask, a mask beside another.
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

  /// What the operands' dependence on one value says of their difference, quotient or product.
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
      // A span and what keeps it from being 0.
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

  /// What is divided by its span, its largest or its sum lies between 0 and 1.
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
  /// Whether the larger, or smaller, of it and another is always it.
  fileprivate func isKept(_ operation: BinaryOperation, beside other: ValueRange) -> Bool {
    operation == .maximum ? range.lowest >= other.highest : range.highest <= other.lowest
  }
}

extension ValueRelation {
  /// The relation where it is that of a span.
  var ifSpan: ValueRelation? { kind == .span && !isReciprocal ? self : nil }
}
