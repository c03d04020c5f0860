import SegEngine

/// UPerNet, unified perceptual parsing (Xiao et al. 2018), as in segmentation-models-pytorch: pyramid pooling on the
/// coarsest map, a feature pyramid on the others, and concatenation of all levels at the finest.
///
/// Unlike the paper, the library first normalises each of the encoder's maps over its channels. Parameters:
/// `encoder.layer1.0.conv1.weight`, `decoder.psp.blocks.0.1.0.weight`, `decoder.fusion_block.0.weight`,
/// `segmentation_head.0.weight`.
public struct UPerNet: SegmentationModelsNetwork {
  /// The encoder, of output stride 32.
  public var backbone: any Backbone
  public var classes: Int
  /// Channels of the decoder.
  public var width = 256
  /// The upsampling of a level before it is added to the finer level, and of all levels before they are concatenated.
  public var upsampling = Upsampling.bilinear(aligningCorners: false)
  /// The number of cells of each grid along both axes.
  public var sizes = [1, 2, 3, 6]

  /// Creates a network on a backbone.
  public init(_ backbone: any Backbone = ResNet.resNet34, classes: Int = 21) {
    self.backbone = backbone
    self.classes = classes
  }

  public var architecture: String { "UPerNet" }

  public func decoder(_ features: [Value]) -> [Value] {
    features[0].graph.scope("decoder") {
      let maps = features.suffix(4).enumerated().map { $1.layerNorm("feature_norms.\($0)", epsilon: 1e-6) }
      let deepest = maps[3]
      let pooled = deepest.pyramidPooled(sizes: sizes, coordinates: .halfPixel) { pooled, index in
        pooled.convolved("psp.blocks.\(index).1.0", "psp.blocks.\(index).1.1", width, kernel: 1)
      }
      var sums = [([deepest] + pooled).concatenated().convolved("psp.out_conv.0", "psp.out_conv.1", width, kernel: 3)]
      for (index, map) in maps.dropLast().reversed().enumerated() {
        let name = "fpn_lateral_blocks.\(index).conv_norm_relu"
        let lateral = map.convolved("\(name).0", "\(name).1", width, kernel: 1)
        let coarser = sums[index].upsampled(
          upsampling, "fpn_lateral_blocks.\(index).up", channels: width, by: 2, like: lateral)
        sums.append(coarser + lateral)
      }
      let levels = sums.enumerated().map { index, sum in
        index == 0
          ? sum
          : sum.convolved("fpn_conv_blocks.\(index - 1).0", "fpn_conv_blocks.\(index - 1).1", width, kernel: 3)
      }
      let finest = levels[levels.count - 1]
      return [
        levels.reversed().enumerated().map { index, level in
          level.upsampled(upsampling, "fusion_up.\(index)", channels: width, by: 1 << index, like: finest)
        }.concatenated()
          .convolved("fusion_block.0", "fusion_block.1", width, kernel: 3)
      ]
    }
  }
}
