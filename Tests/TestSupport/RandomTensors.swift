import SegEngine

extension Tensor {
  /// Float32 numbers drawn evenly from a range, the same for the same seed.
  public static func random(_ shape: Shape, in range: ClosedRange<Float> = -1...1, seed: UInt64 = 1) -> Tensor {
    var generator = SeededGenerator(seed: seed)
    return Tensor(shape, (0..<shape.elementCount).map { _ in Float.random(in: range, using: &generator) })
  }

  /// Whole numbers of any element type, the same for the same seed.
  public static func counting(_ shape: Shape, of elementType: ElementType) -> Tensor {
    let numbers = 0..<shape.elementCount
    return switch elementType {
    case .float32: Tensor(shape, numbers.map { Float($0 + 1) })
    case .uint8: Tensor(shape, numbers.map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 1) })
    case .uint16: Tensor(shape, numbers.map { UInt16(truncatingIfNeeded: $0 &* 77 &+ 1) })
    case .int32: Tensor(shape, numbers.map { Int32($0 + 1) })
    case .int64: Tensor(shape, numbers.map { Int64($0 + 1) << 20 })
    }
  }
}
