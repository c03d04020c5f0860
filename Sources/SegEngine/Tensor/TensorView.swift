/// A tensor's memory as an operator sees it while it runs.
///
/// The innermost axis is contiguous. All axes outside it are read as rows, `rowStride` elements apart: `rowStride` is the extent
/// of the innermost axis, or more where the view is a slice of the channels of a wider tensor (a concatenation's operand that
/// lies inside the concatenation).
public struct TensorView {
  /// The first element.
  public let base: UnsafeRawPointer
  /// Extents and element type.
  public let spec: TensorSpec
  /// Elements from one row (pixel, token) to the next.
  public let rowStride: Int

  /// Views memory as a tensor.
  public init(base: UnsafeRawPointer, spec: TensorSpec, rowStride: Int? = nil) {
    self.base = base
    self.spec = spec
    self.rowStride = rowStride ?? spec.shape.channels
  }

  /// Extents, outermost first.
  public var shape: Shape { spec.shape }

  /// Whether the rows adjoin, so that the whole tensor is one run of memory.
  public var isContiguous: Bool { rowStride == shape.channels || shape.rows <= 1 }

  /// The elements as float32.
  public var floats: UnsafePointer<Float> { pointer(to: Float.self) }

  /// The elements as `Element`.
  public func pointer<Element: TensorElement>(to type: Element.Type) -> UnsafePointer<Element> {
    assert(spec.elementType == Element.elementType)
    return base.assumingMemoryBound(to: Element.self)
  }
}
