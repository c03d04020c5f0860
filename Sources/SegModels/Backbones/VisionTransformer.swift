import SegEngine

/// Vision transformer (Dosovitskiy et al. 2021): the image is split into patches, each of which becomes a token. A
/// class token is prepended, position embeddings are added, and transformer blocks follow.
///
/// The position embeddings form the patch grid of ``embeddedSize``. For an image of another size the grid is resized
/// like a feature map. If the patches do not divide the image, it is padded with zeros at the bottom and right
/// (`dynamic_img_pad` in timm, `corner` padding in mmsegmentation).
public struct VisionTransformer: Backbone, Hashable {
  /// The naming scheme of the parameters.
  public enum Keys: Hashable, Sendable {
    /// `patch_embed.proj`, `blocks.0.attn.qkv`, …: timm, and the Segmenter repository.
    case timm
    /// `patch_embed.projection`, `layers.0.attn.attn.in_proj_weight`, …: mmsegmentation.
    case mmsegmentation
  }

  /// The interpolation of the grid of position embeddings.
  public enum PositionResampling: Hashable, Sendable {
    /// Bicubic with Keys' a = −1/2, with antialiasing when the grid shrinks: timm.
    case bicubicAntialiased
    /// Bicubic with a = −3/4: mmsegmentation's default.
    case bicubic
    /// Bilinear: the Segmenter repository, and mmsegmentation for SETR.
    case bilinear
  }

  /// Channels of the input image.
  public var inputChannels = 3
  /// Channels of a token.
  public var width: Int
  /// The number of transformer blocks.
  public var depth: Int
  /// The number of attention heads per block.
  public var heads: Int
  /// Channels of the MLP's hidden layer; four times ``width`` in all published networks.
  public var hidden: Int
  /// Height and width of a patch in pixels.
  public var patch: Int
  /// The image size whose patch grid the checkpoint's position embeddings have.
  public var embeddedSize: Extent2D = 224
  /// The interpolation of the position embeddings for other sizes.
  public var positionResampling = PositionResampling.bicubicAntialiased
  /// The ε of layer normalisations.
  public var normalizationEpsilon: Float = 1e-6
  /// Whether the class token is used. If not, the checkpoint still contains the token and its position embedding
  /// (SETR-MLA of mmsegmentation).
  public var usesClassToken = true
  /// The naming scheme of the parameters.
  public var keys = Keys.timm

  /// Creates a transformer with given sizes; `hidden` is four times the width.
  public init(width: Int, depth: Int, heads: Int, patch: Int = 16) {
    (self.width, self.depth, self.heads, self.patch) = (width, depth, heads, patch)
    hidden = 4 * width
  }

  /// ViT-T: 12 blocks of 192 channels and 3 heads.
  public static func tiny(patch: Int = 16) -> VisionTransformer { .init(width: 192, depth: 12, heads: 3, patch: patch) }
  /// ViT-S: 12 blocks of 384 channels and 6 heads.
  public static func small(patch: Int = 16) -> VisionTransformer {
    .init(width: 384, depth: 12, heads: 6, patch: patch)
  }
  /// ViT-B: 12 blocks of 768 channels and 12 heads.
  public static func base(patch: Int = 16) -> VisionTransformer {
    .init(width: 768, depth: 12, heads: 12, patch: patch)
  }
  /// ViT-L: 24 blocks of 1024 channels and 16 heads.
  public static func large(patch: Int = 16) -> VisionTransformer {
    .init(width: 1024, depth: 24, heads: 16, patch: patch)
  }

  public var title: String { "ViT \(depth)×\(width), patch \(patch)" }

  /// The patches after the last block, before the final normalisation.
  public var features: [Feature] { [Feature("blocks.\(depth - 1)", channels: width, stride: patch)] }

  /// The map of ``features``, followed by all tokens `[batch, extra + patches, width]`.
  public func features(of image: Value) -> [Value] {
    let tokens = tokens(of: image)
    let last = tokens.blocks[depth - 1]
    return [tokens.featureMap(last), last]
  }

  /// The linear layer `head` on the class token after the final normalisation, `norm`.
  ///
  /// - Precondition: The transformer uses the class token and timm's names.
  public func classifier(_ features: [Value], classes: Int) -> Value {
    precondition(usesClassToken && keys == .timm, "the classifier needs the class token and timm's names")
    let token = features[1].slice(axis: 1, to: 1, named: "classToken").flatten(from: 1, to: 2)
    return token.layerNorm("norm", epsilon: normalizationEpsilon).linear("head", classes)
  }

  /// The tokens of an image.
  struct Tokens {
    /// The embedded patches as a feature map `[batch, ⌈height / patch⌉, ⌈width / patch⌉, width]`; its height and width
    /// are those of the patch grid.
    let grid: Value
    /// Tokens `[batch, extra + patches, width]` after each block.
    let blocks: [Value]
    /// The number of tokens before those of the patches.
    let extra: Int

    /// The tokens of the patches, as a feature map.
    func featureMap(_ tokens: Value) -> Value {
      (extra == 0 ? tokens : tokens.slice(axis: 1, from: extra, named: "patchTokens")).featureMap(like: grid)
    }
  }

  /// The tokens of an image `[batch, height, width, inputChannels]` after each block.
  func tokens(of image: Value) -> Tokens {
    precondition(depth > 0 && patch > 0, "depth and patch size must be positive")
    precondition(embeddedSize.height >= patch && embeddedSize.width >= patch, "embeddedSize must be at least one patch")
    let graph = image.graph
    // Pads zeros after the last row and column, up to a whole number of patches.
    let grid = image.conv(
      keys == .timm ? "patch_embed.proj" : "patch_embed.projection", width, kernel: Extent2D(patch),
      stride: Extent2D(patch),
      padding: Padding2D(top: 0, left: 0, bottom: patch - 1, right: patch - 1))
    let (rows, columns) = (embeddedSize.height / patch, embeddedSize.width / patch)
    let classToken = graph.parameter("cls_token", [1, 1, width], initializer: .truncatedNormal(deviation: 0.02))
    let positions = graph.parameter(
      "pos_embed", [1, 1 + rows * columns, width], initializer: .truncatedNormal(deviation: 0.02))
    let placed =
      grid
      + resampled(positions.slice(axis: 1, from: 1, named: "positions").reshape([1, rows, columns, width]), like: grid)
    var x = placed.tokens()
    if usesClassToken {
      let first = classToken + positions.slice(axis: 1, to: 1, named: "classPosition")
      x = first.broadcast(batchLike: x).concat(with: x, axis: 1)
    }
    var blocks: [Value] = []
    for index in 0..<depth {
      x = graph.scope(keys == .timm ? "blocks.\(index)" : "layers.\(index)") {
        x.transformerBlock(
          heads: heads, hidden: hidden, epsilon: normalizationEpsilon, keys: keys == .timm ? .timm : .mmsegmentation)
      }
      blocks.append(x)
    }
    return Tokens(grid: grid, blocks: blocks, extra: usesClassToken ? 1 : 0)
  }

  private func resampled(_ positions: Value, like grid: Value) -> Value {
    switch positionResampling {
    case .bicubicAntialiased: positions.resize(like: grid, .bicubic, antialiasing: true, named: "positions.resize")
    case .bicubic: positions.resize(like: grid, .bicubic, named: "positions.resize")
    case .bilinear: positions.resize(like: grid, .bilinear, named: "positions.resize")
    }
  }
}
