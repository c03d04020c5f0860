import SegEngine

/// A tensor with known values and its ONNX element type.
///
/// `tensor` has the element type ``ONNXElement/elementType``: every floating-point type is stored as float32, and bool
/// as uint8 with values 0 and 1.
struct ONNXConstant: Sendable {
  let type: ONNXElement
  let tensor: Tensor

  /// Creates a constant from a tensor.
  ///
  /// - Precondition: The tensor has the element type that stores `type`.
  init(_ type: ONNXElement, _ tensor: Tensor) {
    precondition(tensor.elementType == type.elementType, "\(tensor) does not hold \(type)")
    self.type = type
    self.tensor = tensor
  }

  /// Creates a floating-point constant.
  init(_ type: ONNXElement = .float, _ shape: Shape, floats: [Float]) {
    self.init(type, Tensor(shape, floats))
  }

  /// Creates a constant from integers. Integers outside the range of `type` keep their low bits, as in a conversion in
  /// C.
  init(_ type: ONNXElement, _ shape: Shape, integers: [Int64]) {
    let tensor =
      switch type.elementType {
      case .float32: Tensor(shape, integers.map { Float($0) })
      case .uint8:
        Tensor(
          shape,
          type == .bool
            ? integers.map { $0 == 0 ? 0 : 1 }
            : integers.map { UInt8(truncatingIfNeeded: type == .uint4 ? $0 & 15 : $0) })
      case .uint16: Tensor(shape, integers.map(UInt16.init(truncatingIfNeeded:)))
      case .int32: Tensor(shape, integers.map { ONNXConstant.wrapped($0, type) })
      case .int64: Tensor(shape, type == .uint32 ? integers.map { $0 & 0xffff_ffff } : integers)
      }
    self.init(type, tensor)
  }

  private static func wrapped(_ value: Int64, _ type: ONNXElement) -> Int32 {
    switch type {
    // The low four bits, the uppermost of them the sign.
    case .int4: Int32(Int8(truncatingIfNeeded: value << 4) >> 4)
    case .int8: Int32(Int8(truncatingIfNeeded: value))
    case .int16: Int32(Int16(truncatingIfNeeded: value))
    case .uint16: Int32(UInt16(truncatingIfNeeded: value))
    default: Int32(truncatingIfNeeded: value)
    }
  }

  var shape: Shape { tensor.shape }

  /// The values as float32. Integers are rounded to the nearest float32.
  var floats: [Float] {
    switch tensor.elementType {
    case .float32: tensor.elements()
    case .uint8: tensor.elements(of: UInt8.self).map(Float.init)
    case .uint16: tensor.elements(of: UInt16.self).map(Float.init)
    case .int32: tensor.elements(of: Int32.self).map(Float.init)
    case .int64: tensor.elements(of: Int64.self).map { Float($0) }
    }
  }

  /// The values as integers. Floating-point values are rounded towards zero and clamped to the range of Int64; NaN
  /// becomes 0.
  var integers: [Int64] {
    switch tensor.elementType {
    case .float32:
      tensor.elements(of: Float.self).map { value in
        Int64(exactly: value.rounded(.towardZero)) ?? (value > 0 ? .max : value < 0 ? .min : 0)
      }
    case .uint8: tensor.elements(of: UInt8.self).map(Int64.init)
    case .uint16: tensor.elements(of: UInt16.self).map(Int64.init)
    case .int32: tensor.elements(of: Int32.self).map(Int64.init)
    case .int64: tensor.elements()
    }
  }

  /// The values as `Int`, for shapes, axes and sizes.
  var ints: [Int] { integers.map { Int($0) } }
}
