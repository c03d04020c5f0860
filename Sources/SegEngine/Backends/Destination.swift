/// The destination of the rows of a result.
package struct Destination {
  /// The first row.
  package var y: UnsafeMutablePointer<Float>
  /// Floats from one row to the next.
  package var stride: Int
  /// For rows in groups with a distance of their own: the number of rows in a group, and floats from one group to the next.
  package var group: (rows: Int, stride: Int)?

  /// Makes a destination of rows at a constant distance, or of groups of such rows.
  package init(_ y: UnsafeMutablePointer<Float>, stride: Int, group: (rows: Int, stride: Int)? = nil) {
    self.y = y
    self.stride = stride
    self.group = group
  }

  /// Returns the address of a row.
  func row(_ row: Int) -> UnsafeMutablePointer<Float> {
    guard let group else { return y + row * stride }
    return y + row / group.rows * group.stride + row % group.rows * stride
  }

  /// Returns the part of the destination from a row (the first of a group, if there are groups) and a column on.
  func part(row: Int = 0, column: Int = 0) -> Destination {
    Destination(self.row(row) + column, stride: stride, group: group)
  }
}
