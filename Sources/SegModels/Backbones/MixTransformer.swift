import SegEngine

/// Mix transformer, the encoder of SegFormer (Xie et al. 2021): four stages, each with an overlapping patch embedding
/// and transformer blocks. Keys and values are computed from a smaller map, and the MLP contains a depthwise 3×3
/// convolution. There are no position embeddings; zero padding provides position information.
public struct MixTransformer: Backbone, Hashable {
  /// The naming scheme of the parameters. The networks also differ in the ε of layer normalisations.
  public enum Keys: Hashable, Sendable {
    /// `patch_embed1.proj`, `block1.0.attn.kv`, `norm1`: the authors' repository and segmentation-models-pytorch.
    case original
    /// `patch_embeddings.0.proj`, `block.0.0.attention.self.key`, `layer_norm.0`: the published Hugging Face checkpoints.
    case huggingFace
  }

  /// Channels of the input image.
  public var inputChannels = 3
  /// Channels of each stage.
  public var widths: [Int]
  /// The number of blocks in each stage.
  public var depths: [Int]
  /// The number of attention heads in each stage.
  public var heads = [1, 2, 5, 8]
  /// For each stage, the factor by which the map of keys and values is reduced along each axis.
  public var reductions = [8, 4, 2, 1]
  /// The ratio of the MLP's hidden channels to the stage's channels.
  public var expansion = 4
  /// The rate at which the last block's branches are dropped in training (stochastic depth). The rates of the other blocks rise linearly
  /// from 0.
  public var stochasticDepth = 0.1
  /// The naming scheme of the parameters.
  public var keys = Keys.original

  /// Creates an encoder with given widths and depths.
  public init(widths: [Int], depths: [Int]) { (self.widths, self.depths) = (widths, depths) }

  /// MiT-B0 to MiT-B5.
  ///
  /// - Precondition: `index` is 0 to 5.
  public static func b(_ index: Int) -> MixTransformer {
    let depths = [[2, 2, 2, 2], [2, 2, 2, 2], [3, 4, 6, 3], [3, 4, 18, 3], [3, 8, 27, 3], [3, 6, 40, 3]]
    precondition(depths.indices.contains(index), "the index must be 0 to 5 (MiT-B0 to MiT-B5), not \(index)")
    return MixTransformer(widths: index == 0 ? [32, 64, 160, 256] : [64, 128, 320, 512], depths: depths[index])
  }

  public var title: String { "MiT \(depths.map(String.init).joined(separator: "-")), \(widths[0]) wide" }

  /// The maps of the four stages, of stride 4, 8, 16 and 32.
  public var features: [Feature] {
    widths.enumerated().map { Feature("stage\($0 + 1)", channels: $1, stride: 4 << $0) }
  }

  /// The names of layers as transformers 5 has them in memory, and as it writes them to files. Hugging Face's keys are
  /// the names in files.
  var namesInMemory: [(inMemory: String, inFile: String)] {
    let layers = [
      ("layernorm_before", "layer_norm_1"), ("layernorm_after", "layer_norm_2"),
      ("attention.q_proj", "attention.self.query"), ("attention.k_proj", "attention.self.key"),
      ("attention.v_proj", "attention.self.value"), ("attention.o_proj", "attention.output.dense"),
      ("attention.sequence_reduction.sequence_reduction", "attention.self.sr"),
      ("attention.sequence_reduction.layer_norm", "attention.self.layer_norm"), ("mlp.fc1", "mlp.dense1"),
      ("mlp.fc2", "mlp.dense2"), ("mlp.dwconv", "mlp.dwconv"),
    ]
    return depths.enumerated().flatMap { stage, depth in
      [
        ("stages.\(stage).patch_embeddings", "patch_embeddings.\(stage)"),
        ("stages.\(stage).layer_norm", "layer_norm.\(stage)"),
      ]
        + (0..<depth).flatMap { block in
          layers.map { ("stages.\(stage).blocks.\(block).\($0)", "block.\(stage).\(block).\($1)") }
        }
    }
  }

  /// The classifier `head` on the mean of the last map.
  public func classifier(_ features: [Value], classes: Int) -> Value {
    features[features.count - 1].globalAveragePool().flatten(from: 1, to: 3).linear("head", classes)
  }

  public func features(of image: Value) -> [Value] {
    precondition(
      [depths.count, heads.count, reductions.count].allSatisfy { $0 == widths.count },
      "widths, depths, heads and reductions must have one value per stage")
    var features: [Value] = []
    var x = image
    for stage in widths.indices {
      x = embedded(x, stage)
      for block in 0..<depths[stage] {
        x = x.graph.scope(keys == .original ? "block\(stage + 1).\(block)" : "block.\(stage).\(block)") {
          mixed(x, stage, dropping: dropRate(stage, block))
        }
      }
      x = x.layerNorm(keys == .original ? "norm\(stage + 1)" : "layer_norm.\(stage)", epsilon: blockEpsilon)
      features.append(x)
    }
    return features
  }

  /// ε is 1e-6 in the authors' blocks and 1e-5 (PyTorch's default) in their patch embeddings; it is 1e-5 everywhere in
  /// Hugging Face's.
  private var blockEpsilon: Float { keys == .original ? 1e-6 : 1e-5 }

  /// The overlapping patch embedding: 7×7 with stride 4 in the first stage, 3×3 with stride 2 in the others.
  private func embedded(_ x: Value, _ stage: Int) -> Value {
    let name = keys == .original ? "patch_embed\(stage + 1)" : "patch_embeddings.\(stage)"
    return x.graph.scope(name) {
      x.conv("proj", widths[stage], kernel: stage == 0 ? 7 : 3, stride: stage == 0 ? 4 : 2)
        .layerNorm(keys == .original ? "norm" : "layer_norm", epsilon: 1e-5)
    }
  }

  /// The rate at which the branches of a block are dropped.
  private func dropRate(_ stage: Int, _ block: Int) -> Double {
    let place = depths[..<stage].reduce(block, +)
    return stochasticDepth * Double(place) / Double(max(1, depths.reduce(-1, +)))
  }

  private func mixed(_ x: Value, _ stage: Int, dropping rate: Double) -> Value {
    let isOriginal = keys == .original
    func dropped(_ branch: Value) -> Value { rate == 0 ? branch : branch.stochasticDepth("drop_path", rate: rate) }
    let normalized = x.layerNorm(isOriginal ? "norm1" : "layer_norm_1", epsilon: blockEpsilon)
    let attended = x + dropped(attention(normalized, stage))
    let hidden = attended.layerNorm(isOriginal ? "norm2" : "layer_norm_2", epsilon: blockEpsilon)
      .linear(isOriginal ? "mlp.fc1" : "mlp.dense1", expansion * x.channels)
    return attended
      + dropped(
        hidden.conv("mlp.dwconv.dwconv", hidden.channels, kernel: 3, groups: hidden.channels).gelu()
          .linear(isOriginal ? "mlp.fc2" : "mlp.dense2", x.channels))
  }

  /// Attention of all pixels to a map that was reduced by a convolution whose kernel and stride are `reduction`.
  private func attention(_ x: Value, _ stage: Int) -> Value {
    let isOriginal = keys == .original
    let scope = isOriginal ? "attn" : "attention.self"
    let attended = x.graph.scope(scope) {
      var context = x
      let reduction = Extent2D(reductions[stage])
      if reductions[stage] > 1 {
        context = x.conv("sr", x.channels, kernel: reduction, stride: reduction, padding: 0)
          .layerNorm(isOriginal ? "norm" : "layer_norm", epsilon: 1e-5)
      }
      let queries = x.linear(isOriginal ? "q" : "query", x.channels).tokens()
      let pair: [Value]
      if isOriginal {
        pair = context.linear("kv", 2 * x.channels).tokens().split(into: 2)
      } else {
        pair = ["key", "value"].map { context.linear($0, x.channels).tokens() }
      }
      return queries.attention(keys: pair[0], values: pair[1], heads: heads[stage]).featureMap(like: x)
    }
    return attended.linear(isOriginal ? "attn.proj" : "attention.output.dense", x.channels)
  }
}
