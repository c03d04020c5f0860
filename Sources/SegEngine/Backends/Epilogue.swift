/// The operations on a sum before it is stored: y[r, c] = f(sum · scale[c] + shift[c] + residual[r, c]).
///
/// Every kernel that computes sums takes one: products, the outputs of Strassen's and Winograd's algorithms, depthwise convolution,
/// elementwise kernels. A part that is `nil` is skipped and costs nothing.
package struct Epilogue {
  /// A factor for each column.
  package var scale: UnsafePointer<Float>?
  /// The summand of each column: a bias.
  package var shift: UnsafePointer<Float>?
  /// The summand of each element before the function is applied, with rows `residualStride` floats apart.
  package var residual: UnsafePointer<Float>?
  /// Floats from one row of the residual to the next.
  package var residualStride: Int
  /// The function, applied last.
  package var function: ElementwiseFunction

  /// Makes an epilogue; without arguments the sum is stored unchanged.
  package init(
    scale: UnsafePointer<Float>? = nil, shift: UnsafePointer<Float>? = nil, residual: UnsafePointer<Float>? = nil,
    residualStride: Int = 0, function: ElementwiseFunction = .identity
  ) {
    self.scale = scale
    self.shift = shift
    self.residual = residual
    self.residualStride = residualStride
    self.function = function
  }

  /// Whether the sum is stored unchanged.
  var isIdentity: Bool { scale == nil && shift == nil && residual == nil && function == .identity }

  /// Returns the epilogue for the part of a result from a row and a column on.
  func part(row: Int = 0, column: Int = 0) -> Epilogue {
    Epilogue(
      scale: scale.map { $0 + column }, shift: shift.map { $0 + column },
      residual: residual.map { $0 + row * residualStride + column }, residualStride: residualStride,
      function: function)
  }
}
