import SegEngine

/// The normalisation between a convolution and its activation.
public enum Normalization: Hashable, Sendable {
  /// No normalisation.
  case none
  /// Batch normalisation with running statistics, ε = 1e-5.
  case batch
  /// Batch normalisation with running statistics and another ε.
  case batchWithEpsilon(Float)
  /// Group normalisation with a number of groups.
  case group(Int)
  /// Instance normalisation with affine weights.
  case instance
}

extension Value {
  /// Applies a normalisation with parameters under `name`.
  func normalized(_ normalization: Normalization, _ name: String) -> Value {
    switch normalization {
    case .none: self
    case .batch: batchNorm(name)
    case .batchWithEpsilon(let epsilon): batchNorm(name, epsilon: epsilon)
    case .group(let groups): groupNorm(name, groups: groups)
    case .instance: instanceNorm(name, affine: true)
    }
  }

  /// Convolution without bias, normalisation and activation.
  ///
  /// - Parameters:
  ///   - convolution: The name of the convolution.
  ///   - norm: The name of the normalisation.
  ///   - function: The activation; `nil` for none.
  func convolved(
    _ convolution: String, _ norm: String, _ width: Int, kernel: Extent2D, stride: Extent2D = 1,
    padding: Padding2D? = nil, dilation: Extent2D = 1, groups: Int = 1, bias: Bool = false,
    _ normalization: Normalization = .batch, _ function: ElementwiseFunction? = .relu
  ) -> Value {
    let y = conv(
      convolution, width, kernel: kernel, stride: stride, padding: padding, dilation: dilation, groups: groups,
      bias: bias
    ).normalized(normalization, norm)
    return function.map { y.map($0) } ?? y
  }
}
