import SegEngine

/// SegFormer (Xie et al. 2021): a mix transformer, a linear layer for each of its four maps, all of them resized to the finest and
/// joined by a 1×1 convolution with batch normalisation and ReLU, then a 1×1 convolution to the classes.
///
/// The published networks enlarge the logits by half-pixel bilinear interpolation outside the network; segmentation-models-pytorch
/// does it inside, between aligned corners, and its decoder has 256 channels at every size, where the paper's has 768 from B2 on.
/// Here ``keys`` choose the interpolation and ``decoderWidth`` the channels.
public struct SegFormer: SegmentationNetwork, Hashable {
  /// Whose names the parameters have.
  public enum Keys: Hashable, Sendable {
    /// `encoder.block1.0.attn.q`, `decoder.mlp_stage.0.linear`, `decoder.fuse_stage.0`, `segmentation_head.0`:
    /// segmentation-models-pytorch.
    case segmentationModels
    /// `backbone.block1.0.attn.q`, `decode_head.linear_c4.proj`, `decode_head.linear_fuse.conv`, `decode_head.linear_pred`: the
    /// authors' repository.
    case original
    /// `segformer.encoder.block.0.0.attention.self.query`, `decode_head.linear_c.0.proj`, `decode_head.linear_fuse`,
    /// `decode_head.batch_norm`, `decode_head.classifier`: the published Hugging Face checkpoints.
    case huggingFace
  }

  /// The encoder.
  public var encoder: MixTransformer
  /// Channels of the logits.
  public var classes = 1
  /// Channels of the decoder.
  public var decoderWidth = 256
  /// How coarser projections are brought to the finest one's size. Forms that choose a width keep it, and none unpools.
  public var upsampling = Upsampling.bilinear(aligningCorners: false)
  /// Whose names the parameters have.
  public var keys: Keys {
    didSet { encoder.keys = keys == .huggingFace ? .huggingFace : .original }
  }

  /// SegFormer with an encoder.
  public init(_ encoder: MixTransformer, keys: Keys = .segmentationModels) {
    self.encoder = encoder
    self.keys = keys
    self.encoder.keys = keys == .huggingFace ? .huggingFace : .original
  }

  /// SegFormer-B0 to B5 as segmentation-models-pytorch builds it.
  public static func b(_ index: Int) -> SegFormer { SegFormer(.b(index)) }

  /// SegFormer-B0 to B5 as the authors published it: the decoder is wider from B2 on.
  public static func published(_ index: Int, keys: Keys = .huggingFace) -> SegFormer {
    var network = SegFormer(.b(index), keys: keys)
    network.decoderWidth = index < 2 ? 256 : 768
    network.classes = 150
    return network
  }

  public var title: String { "SegFormer \(encoder.title)" }

  public var inputChannels: Int {
    get { encoder.inputChannels }
    set { encoder.inputChannels = newValue }
  }

  public var features: [Feature] { encoder.features }

  /// The authors' checkpoints hold a head that their decoder inherits and does not use. Hugging Face's transformers have other names
  /// in memory than in their files from version 5 on.
  public var checkpoints: CheckpointMapping {
    var renames: [CheckpointMapping.Rename] = []
    if keys == .huggingFace {
      renames = encoder.namesInMemory.map { .init("segformer.\($0).", to: "segformer.encoder.\($1).") }
      renames += features.indices.map {
        .init("decode_head.linear_projections.\($0).", to: "decode_head.linear_c.\($0).")
      }
    }
    return CheckpointMapping(
      renames: renames, head: ["\(names.classifier)."],
      unused: ["decode_head.conv_seg.", "\(names.encoder).head."])
  }

  public func encoder(_ image: Value) -> [Value] { image.graph.scope(names.encoder) { encoder.features(of: image) } }

  /// The maps projected and joined at the finest one's size.
  public func decoder(_ features: [Value]) -> [Value] {
    let projected = features.indices.reversed().map { stage in
      let x = features[stage].linear(names.projection(stage, features.count), decoderWidth)
      return stage == 0
        ? x : x.upsampled(upsampling, "up.\(stage)", channels: decoderWidth, by: 1 << stage, like: features[0])
    }
    return [
      projected.concatenated().conv(names.fusion, decoderWidth, kernel: 1, bias: false).batchNorm(names.normalization)
        .relu()
    ]
  }

  public func head(_ maps: [Value], like image: Value) -> Value {
    maps[0].conv(names.classifier, classes, kernel: 1).resize(
      like: image, coordinates: keys == .segmentationModels ? .alignCorners : .halfPixel, named: "upsample")
  }

  /// Names of the parts, in one place.
  private struct Names {
    let encoder, fusion, normalization, classifier: String
    /// Of the linear layer of a stage, counted from the finest, among so many.
    let projection: (_ stage: Int, _ count: Int) -> String
  }

  private var names: Names {
    switch keys {
    case .segmentationModels:
      Names(
        encoder: "encoder", fusion: "decoder.fuse_stage.0", normalization: "decoder.fuse_stage.1",
        classifier: "segmentation_head.0", projection: { "decoder.mlp_stage.\($1 - 1 - $0).linear" })
    case .original:
      Names(
        encoder: "backbone", fusion: "decode_head.linear_fuse.conv", normalization: "decode_head.linear_fuse.bn",
        classifier: "decode_head.linear_pred", projection: { stage, _ in "decode_head.linear_c\(stage + 1).proj" })
    case .huggingFace:
      Names(
        encoder: "segformer.encoder", fusion: "decode_head.linear_fuse", normalization: "decode_head.batch_norm",
        classifier: "decode_head.classifier", projection: { stage, _ in "decode_head.linear_c.\(stage).proj" })
    }
  }
}

extension ModelFamily {
  /// SegFormer-B0 to B5, as segmentation-models-pytorch and as Hugging Face's checkpoints have them.
  static let segFormer = ModelFamily(
    "SegFormer",
    (0...5).map { index in
      var network = SegFormer.b(index)
      network.classes = 150
      return ModelDescription(
        "segformer-b\(index)", "SegFormer-B\(index), segmentation-models-pytorch's names, 150 classes", size: 512,
        network)
    }
      + (0...5).map { index in
        ModelDescription(
          "segformer-b\(index)-hf", "SegFormer-B\(index), Hugging Face's names and decoder, 150 classes", size: 512,
          SegFormer.published(index))
      })
}
