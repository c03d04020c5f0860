/// A read-only view of a tensor's memory, as passed to a running operator.
///
/// The innermost axis is contiguous. All other axes together form rows, `rowStride` elements apart. `rowStride` is the
/// extent of the innermost axis, or larger if the view is a channel slice of a wider tensor, such as an operand that is
/// written directly into a concatenation.
public struct TensorView {
  /// The address of the first element.
  public let base: UnsafeRawPointer
  /// Extents and element type.
  public let spec: TensorSpec
  /// The distance from one row (pixel, token) to the next, in elements.
  public let rowStride: Int

  /// Creates a view of memory.
  public init(base: UnsafeRawPointer, spec: TensorSpec, rowStride: Int? = nil) {
    self.base = base
    self.spec = spec
    self.rowStride = rowStride ?? spec.shape.channels
  }

  /// The extents, outermost first.
  public var shape: Shape { spec.shape }

  /// Whether the rows adjoin, so that the whole tensor is contiguous.
  public var isContiguous: Bool { rowStride == shape.channels || shape.rows <= 1 }

  /// The elements as float32.
  public var floats: UnsafePointer<Float> { pointer(to: Float.self) }

  /// The elements as `Element`.
  public func pointer<Element: TensorElement>(to type: Element.Type) -> UnsafePointer<Element> {
    assert(spec.elementType == Element.elementType)
    return base.assumingMemoryBound(to: Element.self)
  }
}
