import SegEngine

/// The upsampling method of a decoder.
public enum Upsampling: Hashable, Sendable {
  /// Nearest neighbour; the number of channels stays.
  case nearest
  /// Bilinear interpolation; the number of channels stays. With `aligningCorners` the corner pixels' centres coincide,
  /// otherwise the corners of the pixel areas (half-pixel centres).
  case bilinear(aligningCorners: Bool)
  /// A transposed convolution whose kernel size equals its stride.
  case transposedConvolution
  /// A 3×3 convolution to factor² times the channels, followed by pixel shuffle (Shi et al. 2016). Weights are
  /// initialised to nearest-neighbour upsampling (ICNR, Aitken et al. 2017).
  case subpixel
  /// A 1×1 convolution to the encoder's channels, followed by max unpooling with the encoder's pooling indices (SegNet,
  /// Badrinarayanan et al. 2017).
  case maxUnpooling

  /// All methods, for tests and listings.
  public static let all: [Upsampling] = [
    .nearest, .bilinear(aligningCorners: false), .bilinear(aligningCorners: true), .transposedConvolution, .subpixel,
    .maxUnpooling,
  ]

  /// Whether the number of output channels can be chosen.
  public var changesWidth: Bool {
    switch self {
    case .nearest, .bilinear: false
    case .transposedConvolution, .subpixel, .maxUnpooling: true
    }
  }
}

extension Value {
  /// Upsamples this map by `factor`.
  ///
  /// Methods with parameters have `name.weight` and `name.bias`; ``Upsampling/subpixel`` has `name.0.weight` and
  /// `name.0.bias`, because it is a sequence of convolution and shuffle.
  ///
  /// - Parameters:
  ///   - channels: The number of output channels, if ``Upsampling/changesWidth``.
  ///   - pooling: For ``Upsampling/maxUnpooling``, the indices of the encoder's pooling, `[batch, height, width,
  ///     channels]`, and the map that was pooled.
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
      guard let pooling else { preconditionFailure("max unpooling needs the indices of an encoder's pooling") }
      return conv(name, channels, kernel: 1).maxUnpool(pooling.indices, like: pooling.source, named: "\(name).unpool")
    }
  }

  /// Upsamples this map to the height and width of another map that is about `factor` times as large. Interpolation
  /// resizes to that size directly. The other methods upsample by the factor, then crop or zero-pad at the bottom and
  /// right.
  ///
  /// Parameters as for ``upsampled(_:_:channels:by:pooling:)``.
  ///
  /// - Precondition: The method is not ``Upsampling/maxUnpooling``, because these encoders do not keep pooling indices.
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
    case .maxUnpooling:
      preconditionFailure("this decoder does not support max unpooling: its encoder keeps no pooling indices")
    }
  }
}
