import SegEngine

/// U-Net with a backbone as encoder, such as a residual network: segmentation-models-pytorch's `Unet`.
///
/// The decoder has a block for each of the encoder's maps: enlargement to the next finer map, whose features are put beside, and
/// two 3×3 convolutions. The last block reaches the image's size and has nothing to put beside. Where the library enlarges a
/// map by the nearest pixel, any ``Upsampling`` but unpooling is possible here.
public struct EncoderUNet: UNetOnBackbone {
  /// The encoder.
  public var backbone: any Backbone
  public var classes: Int
  /// Channels of the decoder's blocks, the coarsest first; one for each of the encoder's maps.
  public var decoderWidths = [256, 128, 64, 32, 16]
  /// How blocks enlarge their map. Forms that choose a width keep it.
  public var upsampling = Upsampling.nearest
  /// Whether the coarsest map goes through two convolutions first, as the library has it for VGG.
  public var hasCenter = false
  /// Whether blocks weight channels and pixels (the library's `scse`).
  public var attendsBlocks = false
  /// Whether attention gates weight what is put beside; parameters `decoder.blocks.0.gate.W_g.0` and so on. The library has none.
  public var gatesSkips = false

  /// A network on a backbone.
  public init(_ backbone: any Backbone = ResNet.resNet34, classes: Int = 21) {
    self.backbone = backbone
    self.classes = classes
  }

  public var architecture: String { "U-Net" }

  public var lastBlock: String { "\(decoderWidths.count - 1)" }

  public func decoder(_ features: [Value]) -> [Value] {
    let (maps, image) = (Array(features.dropLast().reversed()), features[features.count - 1])
    precondition(
      decoderWidths.count == maps.count, "\(maps.count) maps need as many blocks: \(decoderWidths)")
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
