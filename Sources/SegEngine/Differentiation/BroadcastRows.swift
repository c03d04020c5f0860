/// The rows of an operand that is broadcast to a shape.
struct BroadcastRows: Sendable {
  /// Elements from one channel to the next: 0 where one is repeated.
  let step: Int
  private let extents: ContiguousArray<Int>
  private let strides: ContiguousArray<Int>

  init(_ operand: Shape, to shape: Shape) {
    let missing = shape.rank - operand.rank
    step = operand.rank > 0 && operand.channels == shape.channels ? 1 : 0
    extents = ContiguousArray(shape.dimensions.dropLast())
    var (strides, stride) = (ContiguousArray(repeating: 0, count: extents.count), 1)
    for axis in extents.indices.reversed() where axis >= missing {
      if operand[axis - missing] != 1 { strides[axis] = stride }
      stride *= operand[axis - missing]
    }
    self.strides = strides
  }

  /// The operand's row for a row of the shape.
  func row(_ row: Int) -> Int {
    var (rest, result) = (row, 0)
    for axis in extents.indices.reversed() {
      result += rest % extents[axis] * strides[axis]
      rest /= extents[axis]
    }
    return result
  }
}
