/// An error for shapes or element types that an operator does not support.
public struct ShapeError: Error, Sendable, CustomStringConvertible {
  /// The operator's name.
  public let operatorName: String
  /// The cause, with the shapes.
  public let reason: String

  /// Makes an error of an operator about its operands.
  public init(_ operatorName: String, _ reason: String) {
    self.operatorName = operatorName
    self.reason = reason
  }

  public var description: String { "\(operatorName): \(reason)" }
}

extension Operator {
  /// Throws a ``ShapeError`` with the operator's name unless `condition` holds.
  func require(_ condition: Bool, _ reason: @autoclosure () -> String) throws(ShapeError) {
    if !condition { throw ShapeError(Self.name, reason()) }
  }

  /// Throws unless the number of inputs is in `range`.
  func requireInputs(_ inputs: [TensorSpec], _ range: ClosedRange<Int>) throws(ShapeError) {
    try require(
      range.contains(inputs.count), "takes \(range.lowerBound) to \(range.upperBound) inputs, not \(inputs.count)")
  }

  /// Throws unless the input is a float32 feature map `[batch, height, width, channels]`.
  func requireFeatureMap(_ input: TensorSpec) throws(ShapeError) {
    try require(
      input.shape.rank == 4 && input.elementType == .float32,
      "takes a float32 feature map [batch, height, width, channels], not \(input)")
  }

  /// Throws unless the input is float32.
  func requireFloat(_ input: TensorSpec) throws(ShapeError) {
    try require(input.elementType == .float32, "takes float32, not \(input)")
  }

  /// Returns an axis counted from the front, or throws if the shape does not have it.
  func axis(_ axis: Int, of shape: Shape) throws(ShapeError) -> Int {
    guard let normalized = shape.normalizedAxis(axis) else {
      throw ShapeError(Self.name, "there is no axis \(axis) in \(shape)")
    }
    return normalized
  }

  /// Makes a shape from computed extents, or throws if an extent is negative or the size overflows.
  func shape(_ dimensions: [Int]) throws(ShapeError) -> Shape {
    guard let shape = Shape(validating: dimensions) else {
      throw ShapeError(Self.name, "would give the shape \(dimensions)")
    }
    return shape
  }
}
