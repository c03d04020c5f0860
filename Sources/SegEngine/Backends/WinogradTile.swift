/// A tile of a Winograd convolution.
package struct WinogradTile: Hashable, Sendable {
  /// Its first output, perhaps outside the result.
  package var row, column: Int
  /// The places in ``WinogradFiltering/axes`` of its transforms.
  package var rowAxis, columnAxis: Int

  /// Describes a tile, a whole one where nothing else is said.
  package init(row: Int, column: Int, rowAxis: Int = 0, columnAxis: Int = 0) {
    self.row = row
    self.column = column
    self.rowAxis = rowAxis
    self.columnAxis = columnAxis
  }
}
