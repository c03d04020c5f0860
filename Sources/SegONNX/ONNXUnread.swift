/// The error for a constant of an unsupported element type or range. It is reported only if a node uses the constant.
struct ONNXUnread: Error {
  let reason: String

  /// Returns the name of an element type by its number in `TensorProto.DataType`.
  static func typeName(_ number: Int32) -> String {
    switch number {
    case 8: "string"
    case 14: "complex64"
    case 15: "complex128"
    case 24: "float8e8m0"
    case 25: "uint2"
    case 26: "int2"
    default: "\(number)"
    }
  }
}
