/// The shape and element type of a tensor.
public struct TensorSpec: Hashable, Sendable, CustomStringConvertible {
  /// The extents, outermost first; feature maps are `[batch, height, width, channels]`.
  public let shape: Shape

  /// The type of the elements.
  public let elementType: ElementType

  /// Creates a spec from a shape and element type.
  public init(_ shape: Shape, _ elementType: ElementType = .float32) {
    self.shape = shape
    self.elementType = elementType
  }

  /// The size of the elements in bytes.
  public var byteCount: Int { shape.elementCount * elementType.byteCount }

  public var description: String { "\(elementType) \(shape)" }
}
