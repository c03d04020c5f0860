import SegEngine

/// U-Net (Ronneberger, Fischer and Brox 2015): an encoder that halves the map and widens it level by level, a decoder that goes
/// the same way back, and at each level a skip connection that brings the encoder's features to the decoder.
///
/// As in every common implementation, 3×3 convolutions are padded, so that the output has the input's size (the paper's are not,
/// and its output is smaller).
public struct UNet: SegmentationNetwork, Hashable {
  /// What the decoder does with the encoder's features of the same size.
  public enum Skip: Hashable, Sendable {
    /// Puts them beside its own channels.
    case concatenation
    /// Adds them; widths must agree, which transposed convolution sees to, or ``UNet/narrowsDecoder`` where the two deepest
    /// levels have one width.
    case addition
    /// α · encoder + (1 − α) · decoder with one learned number α a level, `up1.alpha` and so on, at first ½; widths must agree as
    /// for ``addition``.
    case learnedSum
    /// Weights them by an attention gate, then puts them beside its own (Attention U-Net).
    case attentionGate
    /// Puts the features of all of the encoder's levels down to this one beside its own, finer ones through max pooling; where
    /// `width` is given each of them is narrowed to it by a 1×1 convolution, `up1.reduce.0` and so on.
    case dense(width: Int?)
    /// Puts the sum Σ_j α_{i,j} · E_j over all of the encoder's levels j beside its own map of level i: each E_j is brought to the
    /// level's size and width, and the weights α_{i,j} of a pixel are a softmax over j of additive attention scores, whose query is
    /// the decoder's map. Parameters: `up1.fusion.proj.0`, …, `up1.fusion.query`, `up1.fusion.score`.
    case levelAttention
  }

  /// Whose names the parameters have.
  public enum Keys: Hashable, Sendable {
    /// `down1.maxpool_conv.1.double_conv.0.weight`, `up1.up.weight`, `up1.conv.double_conv.0.weight`, `outc.conv.weight`: the
    /// common PyTorch U-Net.
    case common
    /// `down1.1.double_conv.0.weight`, `up1.weight`, `conv1.double_conv.0.weight`, `outc.weight`: levels as plain attributes, as
    /// the pupil network has them.
    case plain
  }

  /// Channels of the input image.
  public var inputChannels = 3
  /// Channels of the output's logits.
  public var classes = 1
  /// Channels of each level, the finest first; one more than there are halvings.
  public var widths = [64, 128, 256, 512, 1024]
  /// What follows each 3×3 convolution.
  public var normalization = Normalization.batch
  /// Whether the 3×3 convolutions have a bias.
  public var convolutionBias = false
  /// How the decoder doubles the map. Forms that choose a width choose that of the encoder's level.
  public var upsampling = Upsampling.transposedConvolution
  /// What the decoder does with the encoder's features.
  public var skip = Skip.concatenation
  /// Whether each of the decoder's levels ends with the width of the next finer one. Off, it keeps its own, and the
  /// up-sampling narrows it or nothing does. The common PyTorch U-Net narrows where it up-samples bilinearly.
  public var narrowsDecoder = false
  /// Whether the deepest features are weighted by a spatial attention gate.
  public var attendsBottleneck = false
  /// Whose names the parameters have.
  public var keys = Keys.common

  /// The network as first published: widths 64 to 1024, here with batch normalisation.
  public init() {}

  /// The U-Net of the mouse-pupil-analysis package: grey image, widths 32, 64 and 128, a spatial attention gate on the deepest
  /// features, one logit.
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

  /// Height and width must be multiples of this for the map to halve evenly; other sizes lose a row on the way down, and the
  /// decoder's map is padded with zeros to the encoder's.
  public var outputStride: Int { 1 << (widths.count - 1) }

  public var features: [Feature] {
    widths.enumerated().map { Feature($0 == 0 ? "inc" : "down\($0)", channels: $1, stride: 1 << $0) }
  }

  public var checkpoints: CheckpointMapping { CheckpointMapping(head: ["outc."]) }

  /// The levels' maps, and after them the indices of each pooling where the decoder unpools.
  public func encoder(_ image: Value) -> [Value] {
    precondition(widths.count >= 2, "a U-Net has at least two levels: \(widths)")
    precondition(widths.allSatisfy { $0 > 0 }, "channels are positive")
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

  /// The decoder's map x and what the skip brings to it, of the encoder's `maps`; `finer` is the index of the one of its size.
  private func joined(_ x: Value, _ maps: [Value], _ finer: Int, _ level: Int) -> Value {
    let skipped = maps[finer]
    let graph = x.graph
    return switch (skip, keys) {
    case (.addition, _): x + skipped
    // The common port puts the encoder's features first, the pupil network its own.
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

  /// The maps of the levels down to `finer` at its size, where wanted at one width.
  private func dense(_ maps: [Value], _ finer: Int, _ level: Int, _ width: Int?) -> [Value] {
    maps[...finer].enumerated().map { index, map in
      let kernel = Extent2D(1 << (finer - index))
      let pooled = index == finer ? map : map.maxPool(kernel: kernel, named: "up\(level).pool\(index)")
      return width.map { pooled.conv("up\(level).reduce.\(index)", $0, kernel: 1) } ?? pooled
    }
  }
}
