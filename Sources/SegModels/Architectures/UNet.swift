import SegEngine

/// U-Net (Ronneberger, Fischer and Brox 2015): an encoder that halves the resolution and increases the channels level
/// by level, a decoder that reverses this, and at each level a skip connection from the encoder to the decoder.
///
/// As in all common implementations, 3×3 convolutions are padded, so that the output has the input's size. The paper's
/// are not padded, and its output is smaller.
public struct UNet: SegmentationNetwork, Hashable {
  /// How the decoder combines its map with the encoder's map of the same size.
  public enum Skip: Hashable, Sendable {
    /// Concatenation.
    case concatenation
    /// Addition. The channels must match: use transposed convolutions, or ``UNet/narrowsDecoder`` if the two deepest
    /// levels have the same width.
    case addition
    /// α · encoder + (1 − α) · decoder, with one learned scalar α per level, `up1.alpha` and so on, initialised to ½.
    /// The channels must match as for ``addition``.
    case learnedSum
    /// Concatenation with the encoder's map weighted by an attention gate (Attention U-Net).
    case attentionGate
    /// Concatenation with the encoder's maps of this and all finer levels, which are max-pooled to this size. If
    /// `width` is given, each of them is first projected to it by a 1×1 convolution, `up1.reduce.0` and so on.
    case dense(width: Int?)
    /// Concatenation of the decoder's map of level i with Σ_j α_{i,j} · E_j over all encoder levels j. Each E_j is
    /// resized and projected to the level's size and width. The weights α_{i,j} of a pixel are a softmax over j of
    /// additive attention scores with the decoder's map as query. Parameters: `up1.fusion.proj.0`, …,
    /// `up1.fusion.query`, `up1.fusion.score`.
    case levelAttention
  }

  /// The naming scheme of the parameters.
  public enum Keys: Hashable, Sendable {
    /// `down1.maxpool_conv.1.double_conv.0.weight`, `up1.up.weight`, `up1.conv.double_conv.0.weight`, `outc.conv.weight`: the
    /// common PyTorch U-Net.
    case common
    /// `down1.1.double_conv.0.weight`, `up1.weight`, `conv1.double_conv.0.weight`, `outc.weight`: levels as plain
    /// attributes, as in the pupil network.
    case plain
  }

  /// Channels of the input image.
  public var inputChannels = 3
  /// The number of logits per pixel.
  public var classes = 1
  /// Channels of each level, the finest first; the number of levels is one more than the number of halvings.
  public var widths = [64, 128, 256, 512, 1024]
  /// The normalisation after each 3×3 convolution.
  public var normalization = Normalization.batch
  /// Whether the 3×3 convolutions have a bias.
  public var convolutionBias = false
  /// The upsampling by 2 in the decoder. Methods with a choice of channels use those of the encoder's level.
  public var upsampling = Upsampling.transposedConvolution
  /// How the decoder combines its map with the encoder's.
  public var skip = Skip.concatenation
  /// Whether the output of each decoder level has the channels of the next finer level. If not, it keeps the channels
  /// of its own level, and the upsampling may reduce them. The common PyTorch U-Net narrows the decoder with bilinear
  /// upsampling.
  public var narrowsDecoder = false
  /// Whether spatial attention is applied to the deepest map.
  public var attendsBottleneck = false
  /// The naming scheme of the parameters.
  public var keys = Keys.common

  /// Creates the network as first published, with widths 64 to 1024, and with batch normalisation.
  public init() {}

  /// The network `nuclei-unet`, which `seg init` chose for mnfinder's data set: widths 16 to 256, three classes in grey images.
  static var nuclei: UNet {
    var network = UNet()
    (network.inputChannels, network.classes, network.widths) = (1, 3, [16, 32, 64, 128, 256])
    return network
  }

  /// The U-Net of the mouse-pupil-analysis package: grey image, widths 32, 64 and 128, spatial attention on the deepest
  /// map, one logit.
  public static var pupil: UNet {
    var network = UNet()
    network.inputChannels = 1
    network.widths = [32, 64, 128]
    network.convolutionBias = true
    network.attendsBottleneck = true
    network.keys = .plain
    return network
  }

  public var title: String { "U-Net" }

  /// The output stride of the encoder. Heights and widths that are multiples of it halve without remainder. For other
  /// sizes the encoder drops a row or column at a halving, and the decoder's map is padded with zeros to the encoder's
  /// size.
  public var outputStride: Int { 1 << (widths.count - 1) }

  public var features: [Feature] {
    widths.enumerated().map { Feature($0 == 0 ? "inc" : "down\($0)", channels: $1, stride: 1 << $0) }
  }

  public var checkpoints: CheckpointMapping { CheckpointMapping(head: ["outc."]) }

  /// The map of each level, followed by the pooling indices if the decoder unpools.
  public func encoder(_ image: Value) -> [Value] {
    precondition(widths.count >= 2, "a U-Net needs at least two levels: \(widths)")
    precondition(widths.allSatisfy { $0 > 0 }, "widths must be positive: \(widths)")
    var x = image.graph.scope("inc") { doubleConvolution(image, widths[0]) }
    var features = [x]
    var indices: [Value] = []
    for level in 1..<widths.count {
      let pooled: Value
      if upsampling == .maxUnpooling {
        let both = x.maxPoolWithIndices(kernel: 2, named: "down\(level).maxPool")
        pooled = both.values
        indices.append(both.indices)
      } else {
        pooled = x.maxPool(kernel: 2, named: "down\(level).maxPool")
      }
      x = x.graph.scope(keys == .common ? "down\(level).maxpool_conv.1" : "down\(level).1") {
        doubleConvolution(pooled, widths[level])
      }
      features.append(x)
    }
    return features + indices
  }

  public func decoder(_ features: [Value]) -> [Value] {
    var x = features[widths.count - 1]
    let g = x.graph
    if attendsBottleneck { x = g.scope("att") { x.spatiallyAttended() } }
    for level in 1..<widths.count {
      let finer = widths.count - 1 - level
      let skipped = features[finer]
      let up = x.upsampled(
        upsampling, keys == .plain && upsampling == .transposedConvolution ? "up\(level)" : "up\(level).up",
        channels: skipped.channels,
        pooling: upsampling == .maxUnpooling ? (features[widths.count + finer], skipped) : nil)
      let both = joined(
        up.pad(like: skipped, named: "up\(level).pad"), Array(features[..<widths.count]), finer, level)
      x = g.scope(keys == .common ? "up\(level).conv" : "conv\(level)") {
        doubleConvolution(
          both, skipped.channels, last: narrowsDecoder ? widths[max(widths.count - 2 - level, 0)] : nil)
      }
    }
    return [x]
  }

  public func head(_ maps: [Value], like image: Value) -> Value {
    maps[0].conv(keys == .common ? "outc.conv" : "outc", classes, kernel: 1)
  }

  /// (3×3 convolution, normalisation, ReLU) twice, the second time to `last` channels.
  private func doubleConvolution(_ x: Value, _ width: Int, last: Int? = nil) -> Value {
    x.graph.scope("double_conv") {
      let step = normalization == .none ? 2 : 3
      return x.conv("0", width, kernel: 3, bias: convolutionBias).normalized(normalization, "1").relu()
        .conv("\(step)", last ?? width, kernel: 3, bias: convolutionBias).normalized(normalization, "\(step + 1)")
        .relu()
    }
  }

  /// The decoder's map x combined with the skip connection from the encoder's `maps`; `finer` is the index of the map
  /// of the same size.
  private func joined(_ x: Value, _ maps: [Value], _ finer: Int, _ level: Int) -> Value {
    let skipped = maps[finer]
    let graph = x.graph
    return switch (skip, keys) {
    case (.addition, _): x + skipped
    // The common port concatenates the encoder's map first, the pupil network the decoder's.
    case (.concatenation, .common): skipped.concat(with: x)
    case (.concatenation, .plain): x.concat(with: skipped)
    case (.attentionGate, _):
      graph.scope("att\(level)") { skipped.attentionGated(by: x, width: max(1, skipped.channels / 2)) }.concat(with: x)
    case (.learnedSum, _):
      // x + α · (skipped − x)
      x + graph.parameter("up\(level).alpha", [1], initializer: .constant(0.5)) * (skipped - x)
    case (.dense(let width), _):
      (dense(maps, finer, level, width) + [x]).concatenated()
    case (.levelAttention, _):
      graph.scope("up\(level).fusion") { maps.fusedByAttention(to: x, width: skipped.channels) }.concat(with: x)
    }
  }

  /// The maps of all levels down to `finer`, pooled to its size and, if given, projected to one width.
  private func dense(_ maps: [Value], _ finer: Int, _ level: Int, _ width: Int?) -> [Value] {
    maps[...finer].enumerated().map { index, map in
      let kernel = Extent2D(1 << (finer - index))
      let pooled = index == finer ? map : map.maxPool(kernel: kernel, named: "up\(level).pool\(index)")
      return width.map { pooled.conv("up\(level).reduce.\(index)", $0, kernel: 1) } ?? pooled
    }
  }
}
