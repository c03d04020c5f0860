import SegEngine

/// Tables of offsets into row-major memory, for all operators that move elements.
enum Offsets {
  /// Returns an offset for each element of `shape`: `base` plus the sum of the contributions of the element's indices.
  ///
  /// If a contribution is negative, the offset is −1, which marks an element without a source.
  static func table(_ shape: Shape, from base: Int = 0, _ contribution: (_ axis: Int, _ index: Int) -> Int) -> [Int] {
    guard shape.elementCount > 0 else { return [] }
    var table = [base]
    for axis in 0..<shape.rank {
      let extent = shape[axis]
      let along = (0..<extent).map { contribution(axis, $0) }
      if extent == 1, along[0] == 0 { continue }
      table = [Int](unsafeUninitializedCapacity: table.count * extent) { buffer, count in
        for start in table {
          for step in along {
            buffer[count] = start < 0 || step < 0 ? -1 : start + step
            count += 1
          }
        }
      }
    }
    return table
  }

  /// Returns the offsets of a view with the given strides.
  static func table(_ shape: Shape, strides: [Int], from base: Int = 0) -> [Int] {
    table(shape, from: base) { $1 * strides[$0] }
  }

  /// Returns, for each element of `shape`, the offset of its element in an input that is broadcast to `shape`.
  static func broadcast(_ operand: Shape, to shape: Shape) -> [Int] {
    let strides = operand.strides
    let lead = shape.rank - operand.rank
    return table(shape) { axis, index in
      axis < lead || operand[axis - lead] == 1 ? 0 : index * strides[axis - lead]
    }
  }
}

/// A number type of the evaluator: Float, or Int64 with wrapping arithmetic.
protocol Numeral: TensorElement, Comparable {
  static var zero: Self { get }
  static var one: Self { get }
  static func plus(_ a: Self, _ b: Self) -> Self
  static func times(_ a: Self, _ b: Self) -> Self
  static func values(of constant: ONNXConstant) -> [Self]
  static func constant(_ type: ONNXElement, _ shape: Shape, _ values: [Self]) -> ONNXConstant
}

extension Float: Numeral {
  static var one: Float { 1 }
  static func plus(_ a: Float, _ b: Float) -> Float { a + b }
  static func times(_ a: Float, _ b: Float) -> Float { a * b }
  static func values(of constant: ONNXConstant) -> [Float] { constant.floats }
  static func constant(_ type: ONNXElement, _ shape: Shape, _ values: [Float]) -> ONNXConstant {
    ONNXConstant(type, shape, floats: values)
  }
}

extension Int64: Numeral {
  static var one: Int64 { 1 }
  static func plus(_ a: Int64, _ b: Int64) -> Int64 { a &+ b }
  static func times(_ a: Int64, _ b: Int64) -> Int64 { a &* b }
  static func values(of constant: ONNXConstant) -> [Int64] { constant.integers }
  static func constant(_ type: ONNXElement, _ shape: Shape, _ values: [Int64]) -> ONNXConstant {
    ONNXConstant(type, shape, integers: values)
  }
}

extension ONNXConstant {
  /// Returns the elements at the offsets. A negative offset gives `fill`, or 0 without it.
  func gathered(_ shape: Shape, _ offsets: [Int], fill: ONNXConstant? = nil) -> ONNXConstant {
    func moved<Element: TensorElement>(_ zero: Element) -> ONNXConstant {
      let outside = fill.flatMap {
        $0.type == type && $0.shape.elementCount > 0 ? $0.tensor.elements(of: Element.self)[0] : nil
      }
      let tensor = self.tensor.withUnsafeElements(of: Element.self) { source in
        Tensor(shape, of: Element.self) { target in
          for (index, offset) in offsets.enumerated() { target[index] = offset < 0 ? outside ?? zero : source[offset] }
        }
      }
      return ONNXConstant(type, tensor)
    }
    return switch tensor.elementType {
    case .float32: moved(Float(0))
    case .uint8: moved(UInt8(0))
    case .uint16: moved(UInt16(0))
    case .int32: moved(Int32(0))
    case .int64: moved(Int64(0))
    }
  }

  /// Returns the same elements with another shape of the same number of elements.
  func reshaped(_ shape: Shape) -> ONNXConstant { ONNXConstant(type, tensor.reshaped(to: shape)) }

  /// Returns the constant broadcast to a shape.
  func broadcast(to shape: Shape) -> ONNXConstant {
    if shape == self.shape { return self }
    if shape.elementCount == self.shape.elementCount { return reshaped(shape) }
    return gathered(shape, Offsets.broadcast(self.shape, to: shape))
  }

  /// Returns a constant of a shape with this constant's single value in every element.
  func filling(_ shape: Shape) -> ONNXConstant {
    switch tensor.elementType {
    case .float32: ONNXConstant(type, Tensor(shape, repeating: tensor.elements(of: Float.self)[0]))
    case .uint8: ONNXConstant(type, Tensor(shape, repeating: tensor.elements(of: UInt8.self)[0]))
    case .uint16: ONNXConstant(type, Tensor(shape, repeating: tensor.elements(of: UInt16.self)[0]))
    case .int32: ONNXConstant(type, Tensor(shape, repeating: tensor.elements(of: Int32.self)[0]))
    case .int64: ONNXConstant(type, Tensor(shape, repeating: tensor.elements(of: Int64.self)[0]))
    }
  }
}

extension ONNXCall {
  /// Returns the shape that shapes broadcast to (multidirectional broadcasting of ONNX).
  func broadcast(_ shapes: [Shape]) throws(ONNXFailure) -> Shape {
    let rank = shapes.map(\.rank).max() ?? 0
    var result = [Int](repeating: 1, count: rank)
    for shape in shapes {
      for (axis, extent) in shape.dimensions.enumerated() where extent != 1 {
        let target = axis + rank - shape.rank
        guard result[target] == 1 || result[target] == extent else {
          throw ONNXFailure("its operands of \(shapes.map(\.description).joined(separator: " and ")) do not broadcast")
        }
        result[target] = extent
      }
    }
    return try self.shape(result)
  }
}
