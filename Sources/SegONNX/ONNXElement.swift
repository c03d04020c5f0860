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
  case float8e4m3fn = 17
  case float8e4m3fnuz = 18
  case float8e5m2 = 19
  case float8e5m2fnuz = 20
  case uint4 = 21
  case int4 = 22
  case float4e2m1 = 23

  /// The element type of the raw data in files. `uint64` is read as `int64`, of which numbers of 2⁶³ and more are
  /// refused; the narrow types of ``ONNXNarrowFormat`` are read as bytes.
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
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .uint4, .int4, .float4e2m1: .uint8
    }
  }

  /// The element type of tensors that hold it: `float32` for every floating-point type, otherwise the narrowest integer
  /// type that contains all its values; `int64` for `uint64`.
  var elementType: ElementType {
    switch self {
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float4e2m1: .float32
    case .int4: .int32
    default: stored.elementType
    }
  }

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
    case .uint4: (4, false)
    case .int4: (4, true)
    case .float, .double, .float16, .bfloat16, .bool: nil
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float4e2m1: nil
    }
  }
}
