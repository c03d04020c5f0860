import SegEngine

/// U-Net 3+ (Huang et al. 2020): each decoder level combines the maps of all levels. Finer maps and the map of its own
/// level come from the encoder, the finer ones max-pooled; deeper maps come from the decoder, upsampled. Each is
/// projected to one width, and all are concatenated.
///
/// Layers and names follow the authors' PyTorch code: convolutions with bias, bilinear upsampling with half-pixel
/// centres, a 3×3 convolution to the logits.
public struct UNet3Plus: SegmentationNetwork, Hashable {
  /// Channels of the input image.
  public var inputChannels = 3
  /// The number of classes.
  public var classes = 1
  /// Channels of each encoder level, the finest first. Each skip connection is projected to the first of these.
  public var widths = [64, 128, 256, 512, 1024]
  /// The upsampling of deeper maps, in one step by the full factor. Methods with a choice of channels keep them; max
  /// unpooling is not supported.
  public var upsampling = Upsampling.bilinear(aligningCorners: false)
  /// Deep supervision: whether each decoder level and the deepest encoder level have a 3×3 convolution to logits,
  /// `outconv1` to `outconv5`, for the training loss.
  public var isDeeplySupervised = false

  /// Creates the network of the paper.
  public init() {}

  public var title: String { "U-Net 3+" }

  public var features: [Feature] {
    widths.enumerated().map { Feature("conv\($0 + 1)", channels: $1, stride: 1 << $0) }
  }

  /// The logits of the second to the deepest level.
  public var auxiliaryOutputs: [String] { isDeeplySupervised ? (2...widths.count).map { "logits\($0)" } : [] }

  public var checkpoints: CheckpointMapping {
    CheckpointMapping(
      auxiliary: (2...widths.count).map { "outconv\($0)." }, head: (1...widths.count).map { "outconv\($0)." })
  }

  public func encoder(_ image: Value) -> [Value] {
    precondition(widths.count >= 2, "a U-Net needs at least two levels: \(widths)")
    var maps: [Value] = []
    for level in widths.indices {
      let x = level == 0 ? image : maps[level - 1].maxPool(kernel: 2, named: "maxpool\(level)")
      maps.append(
        x.graph.scope("conv\(level + 1)") {
          convolution(convolution(x, "conv1.0", "conv1.1", widths[level]), "conv2.0", "conv2.1", widths[level])
        })
    }
    return maps
  }

  /// The decoder's map of each level, the finest first.
  public func decoder(_ features: [Value]) -> [Value] {
    var decoded = features
    for level in (0..<widths.count - 1).reversed() { decoded[level] = joined(features, decoded, at: level) }
    return decoded
  }

  public func head(_ maps: [Value], like image: Value) -> Value { maps[0].conv("outconv1", classes, kernel: 3) }

  public func auxiliaryHeads(_ features: [Value], _ maps: [Value], like image: Value) -> [Value] {
    guard isDeeplySupervised else { return [] }
    return (1..<widths.count).map { level in
      maps[level].conv("outconv\(level + 1)", classes, kernel: 3).resize(like: image, named: "upscore\(level + 1)")
    }
  }

  private func convolution(_ x: Value, _ name: String, _ normalization: String, _ width: Int) -> Value {
    x.conv(name, width, kernel: 3).batchNorm(normalization).relu()
  }

  /// The full-scale skip connections to a decoder level.
  private func joined(_ encoded: [Value], _ decoded: [Value], at level: Int) -> Value {
    let target = encoded[level]
    let parts = encoded.indices.map { source in
      let place = "hd\(level + 1)"
      if source < level {
        let name = "h\(source + 1)_PT_\(place)"
        let pooled = encoded[source].maxPool(kernel: Extent2D(1 << (level - source)), roundingUp: true, named: name)
        // If the image does not halve without remainder, pooling that rounds up gives one row more than the level has;
        // the map is cropped.
        return convolution(
          pooled.crop(like: target, anchor: .topLeft, named: "\(name).crop"), "\(name)_conv", "\(name)_bn", widths[0])
      }
      if source == level {
        return convolution(target, "h\(source + 1)_Cat_\(place)_conv", "h\(source + 1)_Cat_\(place)_bn", widths[0])
      }
      let name = "hd\(source + 1)_UT_\(place)"
      let deeper = decoded[source]
      let enlarged = deeper.upsampled(
        upsampling, name, channels: deeper.channels, by: 1 << (source - level), like: target)
      return convolution(enlarged, "\(name)_conv", "\(name)_bn", widths[0])
    }
    return convolution(
      parts.concatenated(named: "concat\(level + 1)"), "conv\(level + 1)d_1", "bn\(level + 1)d_1",
      widths.count * widths[0])
  }
}
