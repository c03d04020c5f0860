import SegEngine

/// Vision transformer (Dosovitskiy et al. 2021): the image is cut into patches, each of which becomes a token; a class token
/// stands before them, positions are added, and transformer blocks follow.
///
/// Position embeddings belong to the grid of patches of ``embeddedSize``. For an image of another size their grid is resized to
/// the image's, as a feature map. An image that patches do not divide is continued by zeros at the bottom and at the right (the
/// `dynamic_img_pad` of timm, the `corner` padding of mmsegmentation).
public struct VisionTransformer: Backbone, Hashable {
  /// Whose names the parameters have.
  public enum Keys: Hashable, Sendable {
    /// `patch_embed.proj`, `blocks.0.attn.qkv`, …: timm, and the Segmenter repository.
    case timm
    /// `patch_embed.projection`, `layers.0.attn.attn.in_proj_weight`, …: mmsegmentation.
    case mmsegmentation
  }

  /// How the grid of position embeddings is resized.
  public enum PositionResampling: Hashable, Sendable {
    /// Bicubic with Keys' a = −1/2, the kernel widened where the grid shrinks: timm's.
    case bicubicAntialiased
    /// Bicubic with a = −3/4: mmsegmentation's default.
    case bicubic
    /// Bilinear: the Segmenter repository's, and mmsegmentation's for SETR.
    case bilinear
  }

  /// Channels of the image.
  public var inputChannels = 3
  /// Channels of a token.
  public var width: Int
  /// Number of transformer blocks.
  public var depth: Int
  /// Attention heads of a block.
  public var heads: Int
  /// Width of a block's hidden layer; four times ``width`` in all published networks.
  public var hidden: Int
  /// Height and width of a patch in pixels.
  public var patch: Int
  /// The image size to whose patches the position embeddings of the checkpoint belong.
  public var embeddedSize: Extent2D = 224
  /// How their grid is resized for other sizes.
  public var positionResampling = PositionResampling.bicubicAntialiased
  /// What layer normalisations add to the variance.
  public var normalizationEpsilon: Float = 1e-6
  /// Whether the class token takes part. Without it the checkpoint has it and its position all the same (SETR-MLA of
  /// mmsegmentation).
  public var usesClassToken = true
  /// Whose names the parameters have.
  public var keys = Keys.timm

  /// A transformer of any size; `hidden` is four times the width.
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

  /// The patches after the last block, before the last normalisation.
  public var features: [Feature] { [Feature("blocks.\(depth - 1)", channels: width, stride: patch)] }

  /// The map of ``features``, and after it all tokens `[batch, extra + patches, width]`.
  public func features(of image: Value) -> [Value] {
    let tokens = tokens(of: image)
    let last = tokens.blocks[depth - 1]
    return [tokens.featureMap(last), last]
  }

  /// The class token after the last normalisation, `norm`, through `head`.
  ///
  /// - Precondition: it uses the class token and has timm's names.
  public func classifier(_ features: [Value], classes: Int) -> Value {
    precondition(usesClassToken && keys == .timm, "the class token is what is classified, under timm's names")
    let token = features[1].slice(axis: 1, to: 1, named: "classToken").flatten(from: 1, to: 2)
    return token.layerNorm("norm", epsilon: normalizationEpsilon).linear("head", classes)
  }

  /// What a transformer makes of an image.
  struct Tokens {
    /// The patches as a feature map `[batch, ⌈height / patch⌉, ⌈width / patch⌉, width]`, whose extents are the grid's.
    let grid: Value
    /// Tokens `[batch, extra + patches, width]` after each block.
    let blocks: [Value]
    /// How many tokens stand before those of the patches.
    let extra: Int

    /// Tokens without those that stand before, as a feature map.
    func featureMap(_ tokens: Value) -> Value {
      (extra == 0 ? tokens : tokens.slice(axis: 1, from: extra, named: "patchTokens")).featureMap(like: grid)
    }
  }

  /// The tokens of an image `[batch, height, width, inputChannels]` after each block.
  func tokens(of image: Value) -> Tokens {
    precondition(depth > 0 && patch > 0, "a transformer has blocks and patches")
    precondition(embeddedSize.height >= patch && embeddedSize.width >= patch, "position embeddings have a grid")
    let graph = image.graph
    // Zeros after the last row and column, as many as a last patch may lack.
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
