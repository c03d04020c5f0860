/// A Swift type that a ``Tensor`` can store.
public protocol TensorElement: BitwiseCopyable, Sendable, Equatable {
  /// The element type of tensors with this Swift type.
  static var elementType: ElementType { get }
}

extension Float: TensorElement {
  public static var elementType: ElementType { .float32 }
}

extension UInt8: TensorElement {
  public static var elementType: ElementType { .uint8 }
}

extension UInt16: TensorElement {
  public static var elementType: ElementType { .uint16 }
}

extension Int32: TensorElement {
  public static var elementType: ElementType { .int32 }
}

extension Int64: TensorElement {
  public static var elementType: ElementType { .int64 }
}
