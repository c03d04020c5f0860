import SegEngine

/// SegFormer (Xie et al. 2021): a mix transformer, a linear layer for each of its four maps, which are resized to the
/// finest map and concatenated, then a 1×1 convolution with batch normalisation and ReLU, and a 1×1 convolution to the
/// classes.
///
/// The published networks upsample the logits outside the network, bilinearly with half-pixel centres.
/// segmentation-models-pytorch upsamples inside the network with aligned corners, and its decoder has 256 channels at
/// every size, where the paper has 768 from B2 on. Here ``keys`` selects the interpolation and ``decoderWidth`` the
/// channels.
public struct SegFormer: SegmentationNetwork, Hashable {
  /// The naming scheme of the parameters.
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
  /// The number of classes.
  public var classes = 1
  /// Channels of the decoder.
  public var decoderWidth = 256
  /// The upsampling of coarser projections to the finest one. Methods with a choice of channels keep them; max
  /// unpooling is not supported.
  public var upsampling = Upsampling.bilinear(aligningCorners: false)
  /// The naming scheme of the parameters.
  public var keys: Keys {
    didSet { encoder.keys = keys == .huggingFace ? .huggingFace : .original }
  }

  /// Creates SegFormer with an encoder.
  public init(_ encoder: MixTransformer, keys: Keys = .segmentationModels) {
    self.encoder = encoder
    self.keys = keys
    self.encoder.keys = keys == .huggingFace ? .huggingFace : .original
  }

  /// SegFormer-B0 to B5 as in segmentation-models-pytorch.
  public static func b(_ index: Int) -> SegFormer { SegFormer(.b(index)) }

  /// SegFormer-B0 to B5 as published by the authors, with a wider decoder from B2 on.
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

  /// The authors' checkpoints contain an inherited head that the decoder does not use. From version 5 on, Hugging
  /// Face's transformers use other names in memory than in files.
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

  /// The maps, projected and concatenated at the finest map's size.
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
    regularized(maps[0]).conv(names.classifier, classes, kernel: 1).resize(
      like: image, coordinates: keys == .segmentationModels ? .alignCorners : .halfPixel, named: "upsample")
  }

  /// The references drop a tenth of the channels, or of the elements, before the classifier in training;
  /// segmentation-models-pytorch drops none.
  private func regularized(_ x: Value) -> Value {
    switch keys {
    case .segmentationModels: x
    case .original: x.dropout("decode_head.dropout", rate: 0.1, of: .channel)
    case .huggingFace: x.dropout("decode_head.dropout", rate: 0.1)
    }
  }

  /// The names of the parts.
  private struct Names {
    let encoder, fusion, normalization, classifier: String
    /// The name of the linear layer of a stage, counted from the finest of `count` stages.
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
  /// SegFormer-B0 to B5, in the forms of segmentation-models-pytorch and of Hugging Face's checkpoints.
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
