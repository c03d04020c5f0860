import SegEngine

/// DeepLab v3+ (Chen, Zhu, Papandreou, Schroff and Adam 2018): the pyramid of v3, enlarged and joined with 48 channels of a finer map, as
/// segmentation-models-pytorch has it.
///
/// The library enlarges by factors with aligned corners, has one separable 3×3 convolution after the join where the paper has two of
/// 256 channels, one after the pyramid where the paper has none, and the rates 12, 24, 36 for both strides, where the paper has
/// 6, 12, 18 for a stride of 16.
///
/// Parameters: `encoder.layer1.0.conv1.weight`, `decoder.aspp.0.convs.0.0.weight`, `decoder.block1.0.weight`,
/// `segmentation_head.0.weight`.
public struct DeepLabV3Plus: SegmentationModelsNetwork {
  /// The encoder, of output stride 16 or 8.
  public var backbone: any Backbone
  public var classes: Int
  /// The pyramid's rates.
  public var rates = [12, 24, 36]
  /// Channels of the decoder.
  public var width = 256
  /// Whether the pyramid's convolutions are separable.
  public var isSeparable = true
  /// How the pyramid is enlarged to the finer map.
  public var upsampling = Upsampling.bilinear(aligningCorners: true)
  /// What stands before the backbone's names: `encoder`, and `encoder.model` of timm's backbones.
  public var backboneScope = "encoder"

  /// A network on a backbone.
  public init(
    _ backbone: any Backbone = ResNet.resNet34.dilated(outputStride: 16, .withFirstBlock), classes: Int = 21
  ) {
    self.backbone = backbone
    self.classes = classes
  }

  public var architecture: String { "DeepLabV3+" }

  public func decoder(_ features: [Value]) -> [Value] {
    // The finest map but one, of stride 4.
    let (low, high) = (features[1], features[features.count - 1])
    return high.graph.scope("decoder") {
      let pyramid = high.graph.scope("aspp.0") {
        high.atrousPyramid(rates: rates, width: width, isSeparable: isSeparable)
      }.separableConvolved("aspp.1", "aspp.2", width).upsampled(
        upsampling, "up", channels: width, by: self.features[self.features.count - 1].stride / 4, like: low)
      return [
        pyramid.concat(with: low.convolved("block1.0", "block1.1", 48, kernel: 1))
          .separableConvolved("block2.0", "block2.1", width)
      ]
    }
  }
}
