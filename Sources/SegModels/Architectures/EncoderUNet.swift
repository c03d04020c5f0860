import SegEngine

/// U-Net with a backbone as encoder, such as a residual network: segmentation-models-pytorch's `Unet`.
///
/// The decoder has a block for each of the encoder's maps: enlargement to the next finer map, whose features are put beside, and
/// two 3×3 convolutions. The last block reaches the image's size and has nothing to put beside. Where the library enlarges a
/// map by the nearest pixel, any ``Upsampling`` but unpooling is possible here.
public struct EncoderUNet: SegmentationModelsNetwork {
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

  public var headKernel: Int { 3 }

  /// The last block has weights for what would be put beside, and puts nothing beside.
  public var checkpoints: CheckpointMapping {
    var mapping = CheckpointMapping.segmentationModels
    mapping.unused.append("decoder.blocks.\(decoderWidths.count - 1).attention1.")
    return mapping
  }

  /// The backbone's maps, and after them the image, whose size the last block reaches.
  public func encoder(_ image: Value) -> [Value] {
    image.graph.scope(backboneScope) { backbone.features(of: image) } + [image]
  }

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

/// A block of segmentation-models-pytorch's U-Nets: the maps side by side, where wanted weighted, and two 3×3 convolutions.
/// Parameters: `conv1.0`, `conv1.1`, `conv2.0`, `conv2.1`, and `attention1.attention`, `attention2.attention`.
func decoderBlock(_ x: Value, _ skipped: [Value], _ width: Int, attends: Bool) -> Value {
  var x = x
  func attended(_ x: Value, _ name: String) -> Value {
    attends ? x.graph.scope("\(name).attention") { x.squeezedAndExcited() } : x
  }
  if !skipped.isEmpty { x = attended(x.concat(with: skipped), "attention1") }
  x = x.convolved("conv1.0", "conv1.1", width, kernel: 3).convolved("conv2.0", "conv2.1", width, kernel: 3)
  return attended(x, "attention2")
}
