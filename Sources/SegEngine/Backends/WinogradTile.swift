/// A tile of a Winograd convolution.
package struct WinogradTile: Hashable, Sendable {
  /// The position of its first output, possibly outside the result.
  package var row, column: Int
  /// The indices of its transforms in ``WinogradFiltering/axes``.
  package var rowAxis, columnAxis: Int

  /// Makes a tile, by default a whole one.
  package init(row: Int, column: Int, rowAxis: Int = 0, columnAxis: Int = 0) {
    self.row = row
    self.column = column
    self.rowAxis = rowAxis
    self.columnAxis = columnAxis
  }
}
