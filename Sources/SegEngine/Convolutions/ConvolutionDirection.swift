/// Whether a convolution gathers or scatters.
public enum ConvolutionDirection: Hashable, Sendable {
  /// Each output is a sum over the inputs under the kernel: a convolution.
  case forward
  /// Each input is added to the outputs under the kernel: a transposed convolution, the gradient of a convolution with respect to its
  /// input.
  case transposed
}
