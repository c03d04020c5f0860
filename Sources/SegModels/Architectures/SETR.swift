import SegEngine

/// SETR (Zheng et al. 2021): a vision transformer as encoder, whose tokens form a map of stride 16, and one of three
/// decoders.
///
/// Layers and names follow mmsegmentation. Differences from the paper: the naive decoder has one convolution and
/// upsamples by 4 (the paper: two convolutions, then by 16), and so do PUP's auxiliary heads; MLA's transformer has no
/// class token; each head normalises its tokens, because the transformer has no final normalisation. The logits are
/// finally resized to the image by bilinear interpolation.
public struct SETR: SegmentationNetwork, Hashable {
  /// How logits are computed from the transformer's maps.
  public enum Decoder: Hashable, Sendable {
    /// 1×1 convolution, bilinear upsampling by 4.
    case naive
    /// Progressive upsampling (PUP): four times a 3×3 convolution and upsampling by 2.
    case progressive
    /// Multi-level aggregation (MLA) of four maps, from the deepest to the first, each upsampled by 4.
    case multiLevel
  }

  /// The transformer.
  public var encoder: VisionTransformer
  /// How logits are computed from its maps.
  public let decoding: Decoder
  /// The number of classes.
  public var classes = 19
  /// The indices of the four transformer blocks, from 0, whose outputs are used.
  public var levels: [Int]
  /// Channels of the upsampling heads and of the aggregated maps.
  public var headWidth = 256
  /// Channels of each of the four maps in the multi-level head.
  public var multiLevelWidth = 128
  /// The upsampling of the heads. Methods with a choice of channels keep them; max unpooling is not supported.
  public var upsampling = Upsampling.bilinear(aligningCorners: false)
  /// The number of convolutions with upsampling in an auxiliary head; mmsegmentation's PUP for ADE20K has two.
  public var auxiliaryConvolutions = 1

  /// Creates SETR with an encoder of 24 blocks (ViT-L) or 12 (ViT-B).
  public init(_ encoder: VisionTransformer = .large(), decoder: Decoder, embeddedSize: Extent2D = 768) {
    self.encoder = encoder
    self.encoder.keys = .mmsegmentation
    self.encoder.embeddedSize = embeddedSize
    self.encoder.positionResampling = .bilinear
    self.encoder.usesClassToken = decoder != .multiLevel
    decoding = decoder
    let depth = encoder.depth
    // The multi-level head uses evenly spaced blocks. The others use blocks 10, 15, 20 and 24 of ViT-L and 5, 8, 10 and
    // 12 of ViT-B.
    levels =
      decoder == .multiLevel
      ? (1...4).map { $0 * depth / 4 - 1 }
      : depth == 24 ? [9, 14, 19, 23] : depth == 12 ? [4, 7, 9, 11] : (1...4).map { max(0, $0 * depth / 4 - 1) }
  }

  public var title: String {
    switch decoding {
    case .naive: "SETR-Naive \(encoder.title)"
    case .progressive: "SETR-PUP \(encoder.title)"
    case .multiLevel: "SETR-MLA \(encoder.title)"
    }
  }

  public var inputChannels: Int {
    get { encoder.inputChannels }
    set { encoder.inputChannels = newValue }
  }

  public var features: [Feature] {
    levels.map { Feature("layers.\($0)", channels: encoder.width, stride: encoder.patch) }
  }

  /// One output for each map before the last. The multi-level decoder has one for each of its four aggregated maps.
  public var auxiliaryOutputs: [String] { (0..<(decoding == .multiLevel ? 4 : 3)).map { "auxiliary.\($0)" } }

  public var checkpoints: CheckpointMapping {
    CheckpointMapping(
      auxiliary: ["auxiliary_head."],
      head: ["decode_head.conv_seg."] + auxiliaryOutputs.indices.map { "auxiliary_head.\($0).conv_seg." })
  }

  public func encoder(_ image: Value) -> [Value] {
    precondition(
      levels.count == 4 && levels.allSatisfy { (0..<encoder.depth).contains($0) },
      "levels must be four block indices, 0 to \(encoder.depth - 1): \(levels)")
    return image.graph.scope("backbone") {
      let tokens = encoder.tokens(of: image)
      return levels.map { tokens.featureMap(tokens.blocks[$0]) }
    }
  }

  /// The input of the classification convolution; for the multi-level decoder followed by the aggregated maps, the
  /// deepest first.
  public func decoder(_ features: [Value]) -> [Value] {
    let graph = features[0].graph
    switch decoding {
    case .naive: return [graph.scope("decode_head") { upsampled(features[3], convolutions: 1, kernel: 1, factor: 4) }]
    case .progressive:
      return [graph.scope("decode_head") { upsampled(features[3], convolutions: 4, kernel: 3, factor: 2) }]
    case .multiLevel:
      let aggregated = graph.scope("neck") { self.aggregated(features) }
      return [graph.scope("decode_head") { joined(aggregated) }] + aggregated
    }
  }

  public func head(_ maps: [Value], like image: Value) -> Value {
    maps[0].conv("decode_head.conv_seg", classes, kernel: 1).resize(like: image, named: "upsample")
  }

  public func auxiliaryHeads(_ features: [Value], _ maps: [Value], like image: Value) -> [Value] {
    let inputs = decoding == .multiLevel ? Array(maps.dropFirst()) : Array(features.prefix(3))
    return inputs.enumerated().map { index, map in
      image.graph.scope("auxiliary_head.\(index)") {
        let x =
          decoding == .multiLevel
          ? map
          : upsampled(map, convolutions: auxiliaryConvolutions, kernel: decoding == .naive ? 1 : 3, factor: 4)
        return x.conv("conv_seg", classes, kernel: 1).resize(like: image, named: "upsample")
      }
    }
  }

  /// Layer normalisation, then convolutions, each followed by upsampling.
  private func upsampled(_ x: Value, convolutions: Int, kernel: Extent2D, factor: Int) -> Value {
    var x = x.layerNorm("norm", epsilon: 1e-6)
    for index in 0..<convolutions {
      x = convolution(x, "up_convs.\(index).0", headWidth, kernel: kernel)
        .upsampled(upsampling, "up_convs.\(index).1", channels: headWidth, by: factor)
    }
    return x
  }

  /// Multi-level aggregation: each map is normalised and projected, the maps are summed from the deepest to the first,
  /// and each sum passes a 3×3 convolution. The deepest map comes first.
  private func aggregated(_ maps: [Value]) -> [Value] {
    let narrowed = maps.enumerated().map { index, map in
      convolution(map.layerNorm("norm.\(index)", epsilon: 1e-6), "mla.channel_proj.\(index)", headWidth, kernel: 1)
    }
    var sums = [narrowed[3]]
    for map in narrowed[..<3].reversed() { sums.append(sums[sums.count - 1] + map) }
    return sums.enumerated().map { index, sum in
      convolution(sum, "mla.feat_extract.\(index)", headWidth, kernel: 3)
    }
  }

  /// Two convolutions on each map, upsampled and concatenated.
  private func joined(_ maps: [Value]) -> Value {
    maps.enumerated().map { index, map in
      let x = convolution(map, "up_convs.\(index).0", multiLevelWidth, kernel: 3)
      return convolution(x, "up_convs.\(index).1", multiLevelWidth, kernel: 3).upsampled(
        upsampling, "up_convs.\(index).2", channels: multiLevelWidth, by: 4)
    }.concatenated()
  }

  /// mmcv's `ConvModule`: convolution without bias, batch normalisation, ReLU.
  private func convolution(_ x: Value, _ name: String, _ width: Int, kernel: Extent2D) -> Value {
    x.conv("\(name).conv", width, kernel: kernel, bias: false).batchNorm("\(name).bn").relu()
  }
}

extension ModelFamily {
  /// SETR with each decoder on ViT-L and on ViT-B.
  static let setr = ModelFamily(
    "SETR",
    [("", "L", VisionTransformer.large()), ("-b", "B", .base())].flatMap { suffix, letter, encoder in
      [("naive", "Naive", SETR.Decoder.naive), ("pup", "PUP", .progressive), ("mla", "MLA", .multiLevel)].map {
        ModelDescription(
          "setr-\($0)\(suffix)", "SETR-\($1) on ViT-\(letter)/16, mmsegmentation's names, 19 classes", size: 768,
          SETR(encoder, decoder: $2), classList: .cityscapes)
      }
    })
}
