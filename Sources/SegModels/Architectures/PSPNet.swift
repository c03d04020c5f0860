import SegEngine

/// The pyramid scene parsing network (Zhao et al. 2017), as in segmentation-models-pytorch: means over grids of 1, 2, 3
/// and 6 cells, concatenated with the map itself, then a 1×1 convolution.
///
/// The paper's encoder is a dilated ResNet of stride 8 with all stages and an auxiliary head. The library uses the
/// first two stages of an ordinary ResNet; its checkpoints also contain the other stages.
///
/// Parameters: `encoder.layer1.0.conv1.weight`, `decoder.psp.blocks.0.pool.1.0.weight`, `decoder.conv.0.weight`,
/// `segmentation_head.0.weight`.
public struct PSPNet: SegmentationModelsNetwork {
  /// The encoder, of output stride 8.
  public var backbone: any Backbone
  public var classes: Int
  /// Channels after the pyramid.
  public var width = 512
  /// The upsampling of the logits to the image. The means over grids are always upsampled bilinearly.
  public var upsampling = Upsampling.bilinear(aligningCorners: true)
  /// The number of cells of each grid along both axes.
  public var sizes = [1, 2, 3, 6]

  /// Creates a network on a backbone.
  public init(_ backbone: any Backbone = PSPNet.shallow(.resNet34), classes: Int = 21) {
    self.backbone = backbone
    self.classes = classes
  }

  /// The stages of a ResNet that the library uses.
  public static func shallow(_ network: ResNet) -> ResNet {
    var network = network
    network.depth = 3
    return network
  }

  public var architecture: String { "PSPNet" }
  public var headKernel: Int { 3 }
  public var headUpsampling: Upsampling { upsampling }
  public var headFactor: Int { features[features.count - 1].stride }

  /// Ignores the encoder stages that the network does not use.
  public var checkpoints: CheckpointMapping {
    let stages = (features.count - 1..<4).map { "\(backboneScope).layer\($0 + 1)." }
    return CheckpointMapping(
      head: ["segmentation_head."],
      unused: ["classification_head.", "\(backboneScope).fc.", "\(backboneScope).classifier."] + stages)
  }

  public func decoder(_ features: [Value]) -> [Value] {
    let map = features[features.count - 1]
    return map.graph.scope("decoder") {
      let pooled = map.pyramidPooled(sizes: sizes, coordinates: .alignCorners) { pooled, index in
        let name = "psp.blocks.\(index).pool.1"
        // A grid of one cell has no batch statistics when training with one image, so it has a bias instead.
        return pooled.convolved(
          "\(name).0", "\(name).1", map.channels / sizes.count, kernel: 1, bias: sizes[index] == 1,
          sizes[index] == 1 ? .none : .batch)
      }
      let joined = (pooled + [map]).concatenated().convolved("conv.0", "conv.1", width, kernel: 1)
      return [joined.dropout("dropout", rate: 0.2, of: .channel)]
    }
  }
}
