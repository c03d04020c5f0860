/// The last step of Strassen's algorithm: the quarters of the result from the seven products, `[7, rows, columns]`.
package struct StrassenOperands {
  /// Rows of a half.
  package var rows: Int
  /// Rows from one of the upper half to its counterpart: `rows`, or one less where the halves share a row, which the upper one gives.
  package var lower: Int
  /// Columns of a half that are computed.
  package var columns: Int
  /// Columns from one of the left half to its counterpart.
  package var right: Int
  /// The products.
  package var products: UnsafePointer<Float>
  /// What is done with the sums; it begins at the first column that is computed.
  package var epilogue: Epilogue
  /// Where the first column that is computed goes.
  package var result: Destination
}
