/// What is known of a tensor before it exists: its shape and the type of its elements.
public struct TensorSpec: Hashable, Sendable, CustomStringConvertible {
  /// Extents, outermost first; feature maps are `[batch, height, width, channels]`.
  public let shape: Shape

  /// Type of the elements.
  public let elementType: ElementType

  /// Describes a tensor of the given shape and element type.
  public init(_ shape: Shape, _ elementType: ElementType = .float32) {
    self.shape = shape
    self.elementType = elementType
  }

  /// Size of the elements in bytes.
  public var byteCount: Int { shape.elementCount * elementType.byteCount }

  public var description: String { "\(elementType) \(shape)" }
}
