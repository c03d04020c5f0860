/// A product of rows with a packed matrix: the sums over t and c of rows[t][r][c] · B[t · depth + c, o], with an ``Epilogue``.
package struct PanelOperands {
  /// The addresses of the left-hand rows.
  package enum Rows {
    /// Row r of tap t begins at `base + r · stride + t · depth`.
    case strided(UnsafePointer<Float>, stride: Int)
    /// Row r of tap t begins at `pointers[t · rowCount + r] + offset`. The pointer `padding` means a row of zeros; it points to enough
    /// zeros.
    case pointed(UnsafePointer<UnsafePointer<Float>>, padding: UnsafePointer<Float>, offset: Int)
  }

  /// The addresses of the left-hand rows.
  package var rows: Rows
  /// The terms of a word: 1, or 2 where each float of rows and panels holds a pair of bfloat16, whose products are added. Then depth, strides
  /// and offsets count words.
  package var wordTerms = 1
  /// The number of rows of the result.
  package var rowCount: Int
  /// The number of pieces of a left-hand row: the taps of a convolution.
  package var taps: Int
  /// Floats of a piece: the channels of a tap.
  package var depth: Int
  /// B, packed in ``Kernels/panelLayout``.
  package var panels: UnsafePointer<Float>
  /// The number of columns of B.
  package var columns: Int
  /// Whether the sums are added to the contents of the result.
  package var accumulates = false
  /// The epilogue of the sums.
  package var epilogue: Epilogue
  /// The destination of the result. Its memory must not overlap an operand or the epilogue's residual.
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
