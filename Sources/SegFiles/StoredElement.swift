import SegEngine

/// An element type of weights files. There are more of them than a ``Tensor`` has.
package enum StoredElement: CaseIterable {
  case float16, bfloat16, float32, float64
  case bool, uint8, int8, int16, uint16, int32, uint32, int64

  /// The size in the file, in bytes.
  package var byteCount: Int {
    switch self {
    case .bool, .uint8, .int8: 1
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64: 8
    }
  }

  /// The element type of tensors that hold it: `float32` for every floating-point type, for the others the narrowest integer type that
  /// contains all their values.
  package var elementType: ElementType {
    switch self {
    case .float16, .bfloat16, .float32, .float64: .float32
    case .bool, .uint8: .uint8
    case .int8, .int16, .uint16, .int32: .int32
    case .uint32, .int64: .int64
    }
  }

  /// Whether little-endian bytes of a file have the memory layout of a tensor.
  package var isMemory: Bool {
    switch self {
    case .float32, .uint8, .int32, .int64: 1.littleEndian == 1
    default: false
    }
  }

  /// Returns the number of bytes of a shape with this element type; `nil` on overflow.
  package func byteCount(of shape: Shape) -> Int? {
    let (bytes, overflow) = shape.elementCount.multipliedReportingOverflow(by: byteCount)
    return overflow ? nil : bytes
  }

  /// Converts the numbers in `bytes` to a tensor with its own memory.
  ///
  /// - Precondition: `bytes` has the size of `shape`.
  package func tensor(_ shape: Shape, from bytes: UnsafeRawBufferPointer, isBigEndian: Bool = false) -> Tensor {
    precondition(byteCount(of: shape) == bytes.count, "\(bytes.count) bytes for \(shape)")
    var tensor = Tensor(uninitialized: shape, of: elementType)
    if isMemory && (!isBigEndian || byteCount == 1) {
      tensor.withUnsafeMutableBytes { $0.copyMemory(from: bytes) }
      return tensor
    }
    switch self {
    case .float16:
      tensor.fill(bytes, isBigEndian) { (bits: UInt16) in StoredElement.float(half: bits) }
    case .bfloat16: tensor.fill(bytes, isBigEndian) { (bits: UInt16) in BFloat16.number(bits) }
    case .float32: tensor.fill(bytes, isBigEndian) { (bits: UInt32) in Float(bitPattern: bits) }
    case .float64: tensor.fill(bytes, isBigEndian) { (bits: UInt64) in Float(Double(bitPattern: bits)) }
    case .bool: tensor.fill(bytes, isBigEndian) { (value: UInt8) in value == 0 ? UInt8(0) : 1 }
    case .uint8: tensor.fill(bytes, isBigEndian) { (value: UInt8) in value }
    case .int8: tensor.fill(bytes, isBigEndian) { (value: Int8) in Int32(value) }
    case .int16: tensor.fill(bytes, isBigEndian) { (value: Int16) in Int32(value) }
    case .uint16: tensor.fill(bytes, isBigEndian) { (value: UInt16) in Int32(value) }
    case .int32: tensor.fill(bytes, isBigEndian) { (value: Int32) in value }
    case .uint32: tensor.fill(bytes, isBigEndian) { (value: UInt32) in Int64(value) }
    case .int64: tensor.fill(bytes, isBigEndian) { (value: Int64) in value }
    }
    return tensor
  }

  /// Converts IEEE 754 binary16 to a `Float`, exactly. (`Float16` does not exist on every platform.)
  @inlinable
  package static func float(half bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10 & 0x1F)
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0: return Float(sign: sign == 0 ? .plus : .minus, exponent: -24, significand: Float(fraction))
    case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }
}

extension Tensor {
  /// Converts each number of a file, at any alignment.
  fileprivate mutating func fill<Stored: FixedWidthInteger, Element: TensorElement>(
    _ bytes: UnsafeRawBufferPointer, _ isBigEndian: Bool, _ convert: (Stored) -> Element
  ) {
    let size = MemoryLayout<Stored>.size
    withUnsafeMutableElements(of: Element.self) { elements in
      for index in elements.indices {
        let stored = bytes.loadUnaligned(fromByteOffset: index * size, as: Stored.self)
        elements.initializeElement(
          at: index, to: convert(isBigEndian ? .init(bigEndian: stored) : .init(littleEndian: stored)))
      }
    }
  }
}
