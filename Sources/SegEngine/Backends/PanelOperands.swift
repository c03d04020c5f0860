/// A product of rows with a packed matrix, the sums over t and c of rows[t][r][c] · B[t · depth + c, o], with an ``Epilogue``.
package struct PanelOperands {
  /// Where the rows of the left-hand matrix lie.
  package enum Rows {
    /// Row r of tap t begins at `base + r · stride + t · depth`.
    case strided(UnsafePointer<Float>, stride: Int)
    /// Row r of tap t begins at `pointers[t · rowCount + r] + offset`. The pointer `padding` stands for a row of zeros, and there are enough
    /// zeros at it.
    case pointed(UnsafePointer<UnsafePointer<Float>>, padding: UnsafePointer<Float>, offset: Int)
  }

  /// Where the rows lie.
  package var rows: Rows
  /// Number of rows of the result.
  package var rowCount: Int
  /// Pieces of a left-hand row: the taps of a convolution.
  package var taps: Int
  /// Floats of a piece: the channels of a tap.
  package var depth: Int
  /// B, packed in ``Kernels/panelLayout``.
  package var panels: UnsafePointer<Float>
  /// Columns of B.
  package var columns: Int
  /// Whether the sums begin with what the result holds.
  package var accumulates = false
  /// What is done with the sums.
  package var epilogue: Epilogue
  /// Where the result goes. Its memory is not that of an operand or of the epilogue's residual.
  package var result: Destination

  /// Describes a product.
  package init(
    rows: Rows, rowCount: Int, taps: Int = 1, depth: Int, panels: UnsafePointer<Float>, columns: Int,
    epilogue: Epilogue = Epilogue(), into result: Destination
  ) {
    self.rows = rows
    self.rowCount = rowCount
    self.taps = taps
    self.depth = depth
    self.panels = panels
    self.columns = columns
    self.epilogue = epilogue
    self.result = result
  }
}
