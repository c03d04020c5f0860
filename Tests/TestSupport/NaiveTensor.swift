import SegEngine

/// A tensor of Doubles with an index along each axis: what definitions are written in.
public struct NaiveTensor: Sendable {
  /// Extents, outermost first.
  public let shape: [Int]
  /// The elements in row-major order.
  public var values: [Double]

  /// A tensor whose elements are given by their indices.
  public init(_ shape: [Int], _ element: (_ index: [Int]) -> Double) {
    self.shape = shape
    values = []
    values.reserveCapacity(shape.reduce(1, *))
    NaiveTensor.forEachIndex(shape) { values.append(element($0)) }
  }

  /// The given elements, in row-major order.
  public init(shape: [Int], values: [Double]) {
    precondition(values.count == shape.reduce(1, *), "\(values.count) elements are not of shape \(shape)")
    (self.shape, self.values) = (shape, values)
  }

  /// The elements of a tensor of any type.
  public init(_ tensor: Tensor) {
    shape = tensor.shape.dimensions
    values =
      switch tensor.elementType {
      case .float32: tensor.elements(of: Float.self).map(Double.init)
      case .uint8: tensor.elements(of: UInt8.self).map(Double.init)
      case .uint16: tensor.elements(of: UInt16.self).map(Double.init)
      case .int32: tensor.elements(of: Int32.self).map(Double.init)
      case .int64: tensor.elements(of: Int64.self).map(Double.init)
      }
  }

  /// The element at an index along each axis.
  public subscript(index: [Int]) -> Double {
    get { values[offset(index)] }
    set { values[offset(index)] = newValue }
  }

  /// The element at an index along each axis.
  public subscript(index: Int...) -> Double { values[offset(index)] }

  private func offset(_ index: [Int]) -> Int {
    precondition(index.count == shape.count)
    var offset = 0
    for axis in shape.indices {
      precondition((0..<shape[axis]).contains(index[axis]), "\(index) is outside \(shape)")
      offset = offset * shape[axis] + index[axis]
    }
    return offset
  }

  /// Calls `body` with every index in row-major order.
  public static func forEachIndex(_ shape: [Int], _ body: ([Int]) -> Void) {
    guard !shape.contains(0) else { return }
    var index = shape.map { _ in 0 }
    while true {
      body(index)
      var axis = shape.count - 1
      while axis >= 0 {
        index[axis] += 1
        if index[axis] < shape[axis] { break }
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}
