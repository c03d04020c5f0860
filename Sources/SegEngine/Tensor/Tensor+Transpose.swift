extension Tensor {
  /// The tensor with permuted axes: axis *i* of the result is axis `permutation[i]` of this one.
  ///
  /// - Precondition: `permutation` contains every axis once.
  public func transposed(_ permutation: [Int]) -> Tensor {
    precondition(
      permutation.sorted() == Array(0..<shape.rank), "\(permutation) is not a permutation of the axes of \(shape)")
    let target = Shape(permutation.map { shape[$0] })
    var result = Tensor(uninitialized: target, of: elementType)
    let strides = shape.strides
    let sourceStrides = permutation.map { strides[$0] }
    let size = elementType.byteCount
    withUnsafeBytes { source in
      result.withUnsafeMutableBytes { bytes in
        var index = [Int](repeating: 0, count: target.rank)
        var offset = 0
        for element in 0..<target.elementCount {
          (bytes.baseAddress! + element * size).copyMemory(from: source.baseAddress! + offset * size, byteCount: size)
          var axis = target.rank - 1
          while axis >= 0 {
            index[axis] += 1
            offset += sourceStrides[axis]
            if index[axis] < target[axis] { break }
            offset -= sourceStrides[axis] * target[axis]
            index[axis] = 0
            axis -= 1
          }
        }
      }
    }
    return result
  }
}
