/// The last step of Strassen's algorithm: the quarters of the result from the seven products, `[7, rows, columns]`.
package struct StrassenOperands {
  /// The number of rows of a half.
  package var rows: Int
  /// The distance in rows from the upper to the lower half: `rows`, or one less if the halves share a row, which the upper one provides.
  package var lower: Int
  /// The number of columns of a half that are computed.
  package var columns: Int
  /// The distance in columns from the left to the right half.
  package var right: Int
  /// The products.
  package var products: UnsafePointer<Float>
  /// The epilogue; it begins at the first computed column.
  package var epilogue: Epilogue
  /// The destination, from the first computed column on.
  package var result: Destination
}
