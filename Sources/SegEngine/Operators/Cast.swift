/// Conversion of each element to another type.
///
/// Inputs: x of any shape and type. Output: of the shape of x. Numbers become float32 by rounding to the nearest; float32 becomes an
/// integer by rounding towards zero, and integers by their value. What is outside the range of an integer type becomes the nearest number
/// in it, NaN 0.
package struct Cast: Operator {
  package static let name = "Cast"

  /// The type of the output's elements.
  package let elementType: ElementType

  /// Makes the operator.
  package init(to elementType: ElementType) { self.elementType = elementType }

  package var attributes: String { "to \(elementType)" }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    return [TensorSpec(inputs[0].shape, elementType)]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: inputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package func forwardedInput(inputs: [TensorSpec], outputs: [TensorSpec]) -> Int? {
    inputs[0] == outputs[0] ? 0 : nil
  }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    switch context.inputs[0].elementType {
    case .float32:
      switch elementType {
      case .float32: return Cast.prepared(Float.self, Float.self) { $0 }
      case .uint8: return Cast.prepared(Float.self, UInt8.self) { UInt8(Cast.bounded($0, 0, 255)) }
      case .uint16: return Cast.prepared(Float.self, UInt16.self) { UInt16(Cast.bounded($0, 0, 65535)) }
      case .int32:
        // The largest float32 below 2³¹ is 2³¹ − 128.
        return Cast.prepared(Float.self, Int32.self) {
          $0 >= 0x1p31 ? .max : Int32(Cast.bounded($0, -0x1p31, 0x1.fffffep30))
        }
      case .int64:
        return Cast.prepared(Float.self, Int64.self) {
          $0 >= 0x1p63 ? .max : Int64(Cast.bounded($0, -0x1p63, 0x1.fffffep62))
        }
      }
    case .uint8: return prepared(UInt8.self)
    case .uint16: return prepared(UInt16.self)
    case .int32: return prepared(Int32.self)
    case .int64: return prepared(Int64.self)
    }
  }

  /// Returns the number, or the bound that it is beyond; 0 for NaN.
  private static func bounded(_ x: Float, _ low: Float, _ high: Float) -> Float {
    x < low ? low : x > high ? high : x == x ? x : 0
  }

  private func prepared<Source: TensorElement & FixedWidthInteger>(_ source: Source.Type) -> PreparedOperator {
    switch elementType {
    case .float32: Cast.prepared(Source.self, Float.self) { Float($0) }
    case .uint8: Cast.prepared(Source.self, UInt8.self) { UInt8(clamping: $0) }
    case .uint16: Cast.prepared(Source.self, UInt16.self) { UInt16(clamping: $0) }
    case .int32: Cast.prepared(Source.self, Int32.self) { Int32(clamping: $0) }
    case .int64: Cast.prepared(Source.self, Int64.self) { Int64(clamping: $0) }
    }
  }

  private static func prepared<Source: TensorElement, Target: TensorElement>(
    _ source: Source.Type, _ target: Target.Type, _ convert: @escaping @Sendable (Source) -> Target
  ) -> PreparedOperator {
    PreparedOperator { context in
      let (x, y) = (context.input(0), context.output())
      let (source, target) = (x.pointer(to: Source.self), y.pointer(to: Target.self))
      context.workers.forEachRange(x.shape.elementCount, grain: 16384) { range, _ in
        for index in range { target[index] = convert(source[index]) }
      }
    }
  }
}

extension Cast: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    let x = inputs[0].properties
    guard elementType != .float32 else { return [x] }
    let limit = Double(sign: .plus, exponent: 8 * elementType.byteCount, significand: 1)
    let isUnsigned = elementType == .uint8 || elementType == .uint16
    let (low, high) = isUnsigned ? (0, limit - 1) : (-limit / 2, limit / 2 - 1)
    var y = x.isInteger ? x : x.rounded(.towardZero)
    y.range = y.range.growing { min(max($0, low), high) }
    y.levels = y.levels.flatMap { ValueProperties.few($0.map { min(max($0, low), high) }) }
    return [y]
  }
}
