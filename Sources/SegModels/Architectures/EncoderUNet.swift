import SegEngine

/// U-Net with a backbone as encoder, such as a residual network: segmentation-models-pytorch's `Unet`.
///
/// The decoder has one block for each of the encoder's maps. A block upsamples to the next finer map, concatenates its
/// features, and applies two 3×3 convolutions. The last block has the image's size and no skip connection. The library
/// upsamples by nearest neighbour; here any ``Upsampling`` except max unpooling is possible.
public struct EncoderUNet: UNetOnBackbone {
  /// The encoder.
  public var backbone: any Backbone
  public var classes: Int
  /// Channels of the decoder's blocks, the coarsest first, one for each of the encoder's maps.
  public var decoderWidths = [256, 128, 64, 32, 16]
  /// The upsampling of the blocks. Methods with a choice of channels keep them.
  public var upsampling = Upsampling.nearest
  /// Whether two convolutions are applied to the coarsest map first, as the library does for VGG.
  public var hasCenter = false
  /// Whether blocks apply channel and spatial attention (the library's `scse`).
  public var attendsBlocks = false
  /// Whether attention gates weight the skip connections; parameters `decoder.blocks.0.gate.W_g.0` and so on. The
  /// library has no such gates.
  public var gatesSkips = false

  /// Creates a network on a backbone.
  public init(_ backbone: any Backbone = ResNet.resNet34, classes: Int = 21) {
    self.backbone = backbone
    self.classes = classes
  }

  public var architecture: String { "U-Net" }

  public var lastBlock: String { "\(decoderWidths.count - 1)" }

  public func decoder(_ features: [Value]) -> [Value] {
    let (maps, image) = (Array(features.dropLast().reversed()), features[features.count - 1])
    precondition(
      decoderWidths.count == maps.count,
      "decoderWidths must have one width per feature map (\(maps.count)): \(decoderWidths)")
    let g = image.graph
    return g.scope("decoder") {
      var x = maps[0]
      if hasCenter {
        for index in 0..<2 { x = x.convolved("center.\(index).0", "center.\(index).1", x.channels, kernel: 3) }
      }
      for index in maps.indices {
        x = g.scope("blocks.\(index)") {
          let isLast = index == maps.count - 1
          let enlarged = x.upsampled(
            upsampling, "up", channels: x.channels, by: 2, like: isLast ? image : maps[index + 1])
          let skipped = isLast ? [] : [maps[index + 1]]
          let gated = skipped.map { map in
            gatesSkips ? g.scope("gate") { map.attentionGated(by: enlarged, width: max(1, map.channels / 2)) } : map
          }
          return decoderBlock(enlarged, gated, decoderWidths[index], attends: attendsBlocks)
        }
      }
      return [x]
    }
  }
}
