extension Epilogue {
  /// Computes the stored value of a sum, by the definition in Double.
  func callAsFunction(_ sum: Double, row: Int, column: Int) -> Float {
    var value = sum
    if let scale { value *= Double(scale[column]) }
    if let shift { value += Double(shift[column]) }
    if let residual { value += Double(residual[row * residualStride + column]) }
    return Float(function(value))
  }
}
