import SegEngine

/// What stands between a convolution and its activation.
public enum Normalization: Hashable, Sendable {
  /// Nothing.
  case none
  /// Batch normalisation with the statistics of training, ε = 1e-5.
  case batch
  /// Batch normalisation with the statistics of training and another ε.
  case batchWithEpsilon(Float)
  /// Normalisation of groups of channels of each image.
  case group(Int)
  /// Normalisation of each channel of each image, with weights.
  case instance
}

extension Value {
  /// Applies a normalisation whose parameters begin with `name`.
  func normalized(_ normalization: Normalization, _ name: String) -> Value {
    switch normalization {
    case .none: self
    case .batch: batchNorm(name)
    case .batchWithEpsilon(let epsilon): batchNorm(name, epsilon: epsilon)
    case .group(let groups): groupNorm(name, groups: groups)
    case .instance: instanceNorm(name, affine: true)
    }
  }

  /// Convolution without bias, normalisation and activation, the three that most blocks are made of.
  ///
  /// - Parameters:
  ///   - convolution: the name of the convolution.
  ///   - norm: the name of the normalisation.
  ///   - function: the activation; `nil` for none.
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
