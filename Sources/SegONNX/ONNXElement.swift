import SegEngine
import SegFiles

/// A type of element as ONNX numbers them (`TensorProto.DataType`).
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

  /// How a file stores it. `uint64` is stored like `int64`; values above its maximum are refused where they are read.
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

  /// The type under which tensors hold it: floating point as float32, the others as the narrowest integer that has all values.
  var elementType: ElementType { stored.elementType }

  /// Whether it is a floating-point type.
  var isFloat: Bool { elementType == .float32 }

  /// Bits of an integer type, and whether it is signed; `nil` for floating point and bool.
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
