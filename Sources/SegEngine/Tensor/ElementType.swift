/// The type of a tensor's elements.
public enum ElementType: String, Sendable, CaseIterable, CustomStringConvertible {
  case float32, uint8, uint16, int32, int64

  /// Size of one element in bytes.
  public var byteCount: Int {
    switch self {
    case .float32, .int32: 4
    case .uint8: 1
    case .uint16: 2
    case .int64: 8
    }
  }

  /// Size of `count` elements in bytes.
  func byteCount(of count: Int) -> Int { count * byteCount }
  /// The same of a number that is estimated.
  func byteCount(of count: Double) -> Double { count * Double(byteCount) }

  public var description: String { rawValue }
}

/// A Swift type that a ``Tensor`` can hold.
public protocol TensorElement: BitwiseCopyable, Sendable, Equatable {
  /// The tag under which tensors hold this type.
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
