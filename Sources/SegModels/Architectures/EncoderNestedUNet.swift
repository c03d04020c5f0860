import SegEngine

/// U-Net++ with a backbone as encoder: segmentation-models-pytorch's `UnetPlusPlus`.
///
/// Node `x_d_l` lies on the path from the encoder's d-th coarsest map to the finest, and has the size of the (l + 1)-th
/// coarsest map. Its inputs are the upsampled node x_d_(l−1), all nodes x_i_l with i > d, and the encoder's map of its
/// size. The last node has the image's size. There is no deep supervision; ``NestedUNet`` supports it.
public struct EncoderNestedUNet: UNetOnBackbone {
  /// The encoder.
  public var backbone: any Backbone
  public var classes: Int
  /// Channels of the outermost nodes, the coarsest first, one for each of the encoder's maps.
  public var decoderWidths = [256, 128, 64, 32, 16]
  /// The upsampling between nodes. Methods with a choice of channels keep them.
  public var upsampling = Upsampling.nearest
  /// Whether nodes apply channel and spatial attention (the library's `scse`).
  public var attendsBlocks = false

  /// Creates a network on a backbone.
  public init(_ backbone: any Backbone = ResNet.resNet34, classes: Int = 21) {
    self.backbone = backbone
    self.classes = classes
  }

  public var architecture: String { "U-Net++" }

  public var lastBlock: String { "x_0_\(decoderWidths.count - 1)" }

  public func decoder(_ features: [Value]) -> [Value] {
    let (maps, image) = (Array(features.dropLast().reversed()), features[features.count - 1])
    precondition(
      maps.count >= 2 && decoderWidths.count == maps.count,
      "decoderWidths must have one width per feature map (\(maps.count)): \(decoderWidths)")
    let last = maps.count - 1
    // `nodes[d]` holds the nodes of path d, in order of l − d.
    var nodes: [[Value]] = Array(repeating: [], count: last)
    for layer in 0..<last {
      for way in 0..<last - layer {
        let place = way + layer
        let below = layer == 0 ? maps[way] : nodes[way][layer - 1]
        let beside = (way + 1..<place + 1).map { nodes[$0][place - $0] } + [maps[place + 1]]
        let width = way == 0 ? decoderWidths[place] : maps[place + 1].channels
        nodes[way].append(node(below, beside, like: maps[place + 1], width, way, place))
      }
    }
    return [node(nodes[0][last - 1], [], like: image, decoderWidths[last], 0, last)]
  }

  private func node(_ x: Value, _ beside: [Value], like other: Value, _ width: Int, _ way: Int, _ place: Int) -> Value {
    x.graph.scope("decoder.blocks.x_\(way)_\(place)") {
      decoderBlock(
        x.upsampled(upsampling, "up", channels: x.channels, by: 2, like: other), beside, width, attends: attendsBlocks)
    }
  }
}
