import SegEngine
import SegFiles

/// An element type of ONNX, with its number in `TensorProto.DataType`.
enum ONNXElement: Int32, CaseIterable, Sendable {
  case float = 1
  case uint8 = 2
  case int8 = 3
  case uint16 = 4
  case int16 = 5
  case int32 = 6
  case int64 = 7
  case bool = 9
  case float16 = 10
  case double = 11
  case uint32 = 12
  case uint64 = 13
  case bfloat16 = 16

  /// The element type of the raw data in files. `uint64` is read as `int64`: values of 2⁶³ and more wrap to negative
  /// numbers.
  var stored: StoredElement {
    switch self {
    case .float: .float32
    case .uint8: .uint8
    case .int8: .int8
    case .uint16: .uint16
    case .int16: .int16
    case .int32: .int32
    case .int64, .uint64: .int64
    case .bool: .bool
    case .float16: .float16
    case .double: .float64
    case .uint32: .uint32
    case .bfloat16: .bfloat16
    }
  }

  /// The element type of tensors that hold it: `float32` for every floating-point type, otherwise the narrowest integer
  /// type that contains all its values; `int64` for `uint64`.
  var elementType: ElementType { stored.elementType }

  /// Whether this is a floating-point type.
  var isFloat: Bool { elementType == .float32 }

  /// The number of bits and the signedness of an integer type; `nil` for floating-point types and bool.
  var integerFormat: (bits: Int, isSigned: Bool)? {
    switch self {
    case .uint8: (8, false)
    case .int8: (8, true)
    case .uint16: (16, false)
    case .int16: (16, true)
    case .int32: (32, true)
    case .int64: (64, true)
    case .uint32: (32, false)
    case .uint64: (64, false)
    case .float, .double, .float16, .bfloat16, .bool: nil
    }
  }
}
