/// Where the rows of a result go.
package struct Destination {
  /// The first row.
  package var y: UnsafeMutablePointer<Float>
  /// Floats from one row to the next.
  package var stride: Int
  /// Where rows come in groups with a distance of their own: the rows of a group, and floats from one group to the next.
  package var group: (rows: Int, stride: Int)?

  /// Describes rows at a constant distance, or groups of such rows.
  package init(_ y: UnsafeMutablePointer<Float>, stride: Int, group: (rows: Int, stride: Int)? = nil) {
    self.y = y
    self.stride = stride
    self.group = group
  }

  /// Where a row begins.
  func row(_ row: Int) -> UnsafeMutablePointer<Float> {
    guard let group else { return y + row * stride }
    return y + row / group.rows * group.stride + row % group.rows * stride
  }

  /// The part of the result that begins at a row, the first of a group where there are groups, and a column.
  func part(row: Int = 0, column: Int = 0) -> Destination {
    Destination(self.row(row) + column, stride: stride, group: group)
  }
}
