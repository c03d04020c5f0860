/// A tensor's memory as an operator writes it while it runs; laid out like ``TensorView``.
public struct MutableTensorView {
  /// The first element.
  public let base: UnsafeMutableRawPointer
  /// Extents and element type.
  public let spec: TensorSpec
  /// Elements from one row (pixel, token) to the next.
  public let rowStride: Int

  /// Views memory as a tensor.
  public init(base: UnsafeMutableRawPointer, spec: TensorSpec, rowStride: Int? = nil) {
    self.base = base
    self.spec = spec
    self.rowStride = rowStride ?? spec.shape.channels
  }

  /// Extents, outermost first.
  public var shape: Shape { spec.shape }

  /// Whether the rows adjoin, so that the whole tensor is one run of memory.
  public var isContiguous: Bool { rowStride == shape.channels || shape.rows <= 1 }

  /// The elements as float32.
  public var floats: UnsafeMutablePointer<Float> { pointer(to: Float.self) }

  /// The elements as `Element`.
  public func pointer<Element: TensorElement>(to type: Element.Type) -> UnsafeMutablePointer<Element> {
    assert(spec.elementType == Element.elementType)
    return base.assumingMemoryBound(to: Element.self)
  }
}
