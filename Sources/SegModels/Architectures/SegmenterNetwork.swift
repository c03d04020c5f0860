import SegEngine

/// Segmenter (Strudel et al. 2021): a vision transformer with one of two decoders. One is a linear layer. The other is
/// a transformer over patches and class embeddings, whose products are the masks.
///
/// The names and the ε of layer normalisations (1e-5) are those of the authors' repository. The encoder's
/// classification head in its checkpoints is ignored. The repository's command line evaluates windows of the training
/// size; here, as in its module, a whole image of any size is evaluated at once.
public struct SegmenterNetwork: SegmentationNetwork, Hashable {
  /// How masks are computed from the patches.
  public enum Decoder: Hashable, Sendable {
    /// A linear layer to the classes.
    case linear
    /// Transformer blocks over patches and class embeddings. A mask is the dot product of a patch and a class, both
    /// normalised to length 1, followed by a layer normalisation over the classes.
    case mask(depth: Int)
  }

  /// The encoder.
  public var encoder: VisionTransformer
  /// How masks are computed from the patches.
  public var decoding = Decoder.mask(depth: 2)
  /// The number of classes.
  public var classes = 150
  /// The upsampling of the masks by the patch size. Methods with a choice of channels keep them; max unpooling is not
  /// supported.
  public var upsampling = Upsampling.bilinear(aligningCorners: false)

  /// Creates Segmenter with an encoder trained at `embeddedSize` and a mask transformer of two blocks.
  public init(_ encoder: VisionTransformer, embeddedSize: Extent2D = 512) {
    self.encoder = encoder
    self.encoder.keys = .timm
    self.encoder.embeddedSize = embeddedSize
    self.encoder.positionResampling = .bilinear
    self.encoder.normalizationEpsilon = 1e-5
  }

  public var title: String {
    decoding == .linear ? "Segmenter-Linear \(encoder.title)" : "Segmenter-Mask \(encoder.title)"
  }

  public var inputChannels: Int {
    get { encoder.inputChannels }
    set { encoder.inputChannels = newValue }
  }

  public var features: [Feature] { [Feature("norm", channels: encoder.width, stride: encoder.patch)] }

  public var checkpoints: CheckpointMapping {
    CheckpointMapping(
      head: decoding == .linear ? ["decoder.head."] : ["decoder.cls_emb", "decoder.mask_norm."],
      unused: ["encoder.head."])
  }

  /// The patches after the final normalisation, as a feature map.
  public func encoder(_ image: Value) -> [Value] {
    image.graph.scope("encoder") {
      let tokens = encoder.tokens(of: image)
      let last = tokens.blocks[encoder.depth - 1].layerNorm("norm", epsilon: encoder.normalizationEpsilon)
      return [tokens.featureMap(last)]
    }
  }

  /// The patches, or for the mask decoder the masks of the classes, at the resolution of the patches.
  public func decoder(_ features: [Value]) -> [Value] {
    guard case .mask(let depth) = decoding else { return features }
    return [
      features[0].graph.scope("decoder") { masks(features[0].tokens(), depth: depth).featureMap(like: features[0]) }
    ]
  }

  /// Patches may extend beyond the image, so the masks are cropped to the image's size.
  public func head(_ maps: [Value], like image: Value) -> Value {
    let masks = decoding == .linear ? maps[0].linear("decoder.head", classes) : maps[0]
    return masks.upsampled(upsampling, "upsample", channels: classes, by: encoder.patch).crop(
      like: image, anchor: .topLeft, named: "unpad")
  }

  /// The mask transformer: `[batch, patches, classes]` for tokens `[batch, patches, channels]`.
  private func masks(_ tokens: Value, depth: Int) -> Value {
    let (graph, width) = (tokens.graph, encoder.width)
    let embedding = graph.parameter("cls_emb", [1, classes, width], initializer: .truncatedNormal(deviation: 0.02))
    var x = tokens.linear("proj_dec", width)
    x = x.concat(with: embedding.broadcast(batchLike: x), axis: 1)
    for index in 0..<depth {
      x = graph.scope("blocks.\(index)") {
        x.transformerBlock(
          heads: encoder.heads, hidden: encoder.hidden, epsilon: encoder.normalizationEpsilon, keys: .timm)
      }
    }
    x = x.layerNorm("decoder_norm")
    func projected(_ part: Value, _ name: String) -> Value {
      let matrix = graph.parameter(name, [width, width], initializer: .heNormal(fanIn: width))
      let rows = part.matmul(matrix, named: name)
      return rows / rows.reduce(.norm, axes: [-1])
    }
    let patches = projected(x.slice(axis: 1, to: -classes, named: "patchTokens"), "proj_patch")
    let queries = projected(x.slice(axis: 1, from: -classes, named: "classTokens"), "proj_classes")
    return patches.matmul(queries, transposingB: true, named: "masks").layerNorm("mask_norm")
  }
}

extension ModelFamily {
  /// Segmenter with the mask transformer on ViT-T to ViT-L, and with the linear decoder on ViT-B and ViT-L.
  static let segmenter = ModelFamily(
    "Segmenter",
    [("t", VisionTransformer.tiny()), ("s", .small()), ("b", .base()), ("l", .large())].map {
      description($0, "mask", $1, .mask(depth: 2))
    } + [("b", VisionTransformer.base()), ("l", .large())].map { description($0, "linear", $1, .linear) })

  private static func description(
    _ letter: String, _ name: String, _ encoder: VisionTransformer, _ decoding: SegmenterNetwork.Decoder
  ) -> ModelDescription {
    // The authors' L networks were trained on 640 pixels.
    let size: Extent2D = letter == "l" ? 640 : 512
    var network = SegmenterNetwork(encoder, embeddedSize: size)
    network.decoding = decoding
    // The repository normalises images to −1 … 1.
    return ModelDescription(
      "segmenter-\(letter)-\(name)", "Segmenter-\(letter.uppercased())/16, \(name) decoder, 150 classes", size: size,
      network,
      preprocessing: Preprocessing(fit: .stretch(size), mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5]))
  }
}
