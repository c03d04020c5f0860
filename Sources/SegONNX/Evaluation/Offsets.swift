import SegEngine

/// Offsets into row-major memory: the one walker behind everything that moves elements.
enum Offsets {
  /// For each element of `shape`, the sum of what each axis contributes for the index along it.
  ///
  /// A negative contribution marks an element that comes from nowhere; the sum is then -1.
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

  /// Offsets of a view with the given strides.
  static func table(_ shape: Shape, strides: [Int], from base: Int = 0) -> [Int] {
    table(shape, from: base) { $1 * strides[$0] }
  }

  /// For each element of `shape`, where an operand that broadcasts to it has its own.
  static func broadcast(_ operand: Shape, to shape: Shape) -> [Int] {
    let strides = operand.strides
    let lead = shape.rank - operand.rank
    return table(shape) { axis, index in
      axis < lead || operand[axis - lead] == 1 ? 0 : index * strides[axis - lead]
    }
  }
}

/// A number that arithmetic of operators is defined for: floats, and integers that wrap around.
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
  /// The elements at the offsets, in their order; `fill` where an offset is negative.
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

  /// The same elements under another shape of as many.
  func reshaped(_ shape: Shape) -> ONNXConstant { ONNXConstant(type, tensor.reshaped(to: shape)) }

  /// Repeated along its axes of extent one to a shape that it broadcasts to.
  func broadcast(to shape: Shape) -> ONNXConstant {
    if shape == self.shape { return self }
    if shape.elementCount == self.shape.elementCount { return reshaped(shape) }
    return gathered(shape, Offsets.broadcast(self.shape, to: shape))
  }

  /// One value in every element.
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
  /// The shape that operands broadcast to.
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
