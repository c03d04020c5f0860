import SegEngine

extension Tensor {
  /// Returns the elements of a flat tensor in the row-major order of `shape`. The element at an index is read from `offset + index ·
  /// strides`.
  ///
  /// - Precondition: every index addresses an element of the tensor.
  package func gathered(_ shape: Shape, strides: [Int], offset: Int) -> Tensor {
    switch elementType {
    case .float32: gathered(Float.self, shape, strides, offset)
    case .uint8: gathered(UInt8.self, shape, strides, offset)
    case .uint16: gathered(UInt16.self, shape, strides, offset)
    case .int32: gathered(Int32.self, shape, strides, offset)
    case .int64: gathered(Int64.self, shape, strides, offset)
    }
  }

  private func gathered<Element: TensorElement>(
    _ type: Element.Type, _ shape: Shape, _ strides: [Int], _ offset: Int
  ) -> Tensor {
    var result = Tensor(uninitialized: shape, of: elementType)
    guard shape.elementCount > 0 else { return result }
    withUnsafeElements(of: type) { source in
      result.withUnsafeMutableElements(of: type) { target in
        var index = [Int](repeating: 0, count: shape.rank)
        var position = offset
        for element in target.indices {
          precondition(source.indices.contains(position), "strides \(strides) leave the storage")
          target.initializeElement(at: element, to: source[position])
          for axis in stride(from: shape.rank - 1, through: 0, by: -1) {
            index[axis] += 1
            position += strides[axis]
            if index[axis] < shape[axis] { break }
            position -= index[axis] * strides[axis]
            index[axis] = 0
          }
        }
      }
    }
    return result
  }
}
