import SegEngine

/// How a decoder enlarges a feature map.
public enum Upsampling: Hashable, Sendable {
  /// Each pixel repeated; the width stays.
  case nearest
  /// Between neighbouring pixels, the width stays; `aligningCorners` says which pixels stay in place.
  case bilinear(aligningCorners: Bool)
  /// A transposed convolution whose kernel is its stride.
  case transposedConvolution
  /// A 3×3 convolution to factor² times the channels, which are then laid out as blocks of pixels (Shi et al. 2016). Weights
  /// begin as those of nearest-neighbour enlargement (ICNR, Aitken et al. 2017).
  case subpixel
  /// A 1×1 convolution to the encoder's width, whose values go where the encoder's maximum came from (SegNet, Badrinarayanan et
  /// al. 2017).
  case maxUnpooling

  /// The factor-free forms, for tests and for listing.
  public static let all: [Upsampling] = [
    .nearest, .bilinear(aligningCorners: false), .bilinear(aligningCorners: true), .transposedConvolution, .subpixel,
    .maxUnpooling,
  ]

  /// Whether the width of the result can be chosen.
  public var changesWidth: Bool {
    switch self {
    case .nearest, .bilinear: false
    case .transposedConvolution, .subpixel, .maxUnpooling: true
    }
  }
}

extension Value {
  /// This map `factor` times as large.
  ///
  /// Parameters, of those forms that have any: `name.weight` and `name.bias` (`name.0.weight` and `name.0.bias` of
  /// ``Upsampling/subpixel``, a sequence of convolution and shuffle).
  ///
  /// - Parameters:
  ///   - channels: the width of the result, where ``Upsampling/changesWidth``.
  ///   - pooling: for ``Upsampling/maxUnpooling`` the indices of the encoder's pooling, `[batch, height, width, channels]`, and the
  ///     map that was pooled.
  func upsampled(
    _ upsampling: Upsampling, _ name: String, channels: Int, by factor: Int = 2,
    pooling: (indices: Value, source: Value)? = nil
  ) -> Value {
    switch upsampling {
    case .nearest: return resize(by: Double(factor), .nearest, named: name)
    case .bilinear(let aligningCorners):
      return resize(by: Double(factor), coordinates: aligningCorners ? .alignCorners : .halfPixel, named: name)
    case .transposedConvolution:
      return transposedConv(name, channels, kernel: Extent2D(factor), stride: Extent2D(factor))
    case .subpixel:
      return conv(
        "\(name).0", channels * factor * factor, kernel: 3,
        initializer: .subpixel(factor: factor, fanIn: self.channels * 9)
      ).pixelShuffle(factor, named: "\(name).1")
    case .maxUnpooling:
      guard let pooling else { preconditionFailure("max-unpooling needs the indices of an encoder's pooling") }
      return conv(name, channels, kernel: 1).maxUnpool(pooling.indices, like: pooling.source, named: "\(name).unpool")
    }
  }

  /// This map at the height and width of another that is about `factor` times as large. Interpolation goes straight to that size; what
  /// is enlarged by the factor keeps its first rows and columns, with zeros where there are too few.
  ///
  /// Parameters as of ``upsampled(_:_:channels:by:pooling:)``.
  ///
  /// - Precondition: it is not ``Upsampling/maxUnpooling``: the encoders of these decoders keep no indices.
  func upsampled(
    _ upsampling: Upsampling, _ name: String, channels: Int, by factor: Int, like other: Value
  ) -> Value {
    switch upsampling {
    case .nearest: return resize(like: other, .nearest, named: name)
    case .bilinear(let aligningCorners):
      return resize(like: other, coordinates: aligningCorners ? .alignCorners : .halfPixel, named: name)
    case .transposedConvolution, .subpixel:
      return upsampled(upsampling, name, channels: channels, by: factor)
        .pad(Padding2D(top: 0, left: 0, bottom: factor, right: factor), named: "\(name).pad")
        .crop(like: other, anchor: .topLeft, named: "\(name).crop")
    case .maxUnpooling: preconditionFailure("this decoder has no indices of an encoder's pooling")
    }
  }
}
