/// A mask of the elements that are larger than a bound.
///
/// Inputs: x, float32 of any shape; the bound, float32 of one element. Output: of the shape of x, 1 where x > bound, else 0 (NaN is
/// not larger). Exact.
public struct Threshold: Operator {
  public static let name = "Threshold"

  /// The type of the output's elements.
  public let elementType: ElementType

  /// Makes the operator.
  ///
  /// - Precondition: `elementType` is an integer type of up to 32 bits.
  public init(elementType: ElementType = .uint8) {
    precondition(
      [.uint8, .uint16, .int32].contains(elementType), "a threshold gives small integers, not \(elementType)")
    self.elementType = elementType
  }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 2...2)
    for input in inputs { try requireFloat(input) }
    try require(inputs[1].shape.elementCount == 1, "the bound is one number, not \(inputs[1])")
    return [TensorSpec(inputs[0].shape, elementType)]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: inputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  /// Returns the pixel at the same position.
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    index == 0 ? .byExtents(input: inputs[0], output: outputs[0]) : .none
  }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    switch elementType {
    case .uint8: prepare(UInt8.self, context)
    case .uint16: prepare(UInt16.self, context)
    default: prepare(Int32.self, context)
    }
  }

  private func prepare<Element: TensorElement & FixedWidthInteger>(
    _ type: Element.Type, _ context: PreparationContext
  ) -> PreparedOperator {
    PreparedOperator { context in
      let (x, bound) = (context.input(0), context.input(1).floats[0])
      let y = context.output().pointer(to: Element.self)
      context.workers.forEachRange(x.shape.elementCount, grain: 16384) { range, _ in
        Threshold.compare(x.floats + range.lowerBound, to: bound, count: range.count, y + range.lowerBound)
      }
    }
  }

  /// Compares contiguous elements.
  static func compare<Element: FixedWidthInteger>(
    _ x: UnsafePointer<Float>, to bound: Float, count: Int, _ y: UnsafeMutablePointer<Element>
  ) {
    for index in 0..<count { y[index] = x[index] > bound ? 1 : 0 }
  }
}

extension Threshold: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    [.index(below: 2, axes: .following(Array(inputs.prefix(1)), to: outputs[0]))]
  }
}

extension Value {
  /// Returns 1 where an element is larger than `bound`, a value of one element, else 0.
  public func threshold(
    at bound: Value, elementType: ElementType = .uint8, named name: String = "threshold", file: StaticString = #fileID,
    line: UInt = #line
  ) -> Value {
    apply(Threshold(elementType: elementType), named: name, with: [bound], file: file, line: line)
  }
}
