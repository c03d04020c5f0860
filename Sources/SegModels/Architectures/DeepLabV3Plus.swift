import SegEngine

/// DeepLab v3+ (Chen, Zhu, Papandreou, Schroff and Adam 2018), as in segmentation-models-pytorch: the pyramid of v3,
/// upsampled and concatenated with 48 channels of a finer map.
///
/// Differences from the paper: the library upsamples by fixed factors with aligned corners; has one separable 3×3
/// convolution after the concatenation (the paper: two, of 256 channels) and one after the pyramid (the paper: none);
/// and uses dilations 12, 24, 36 for both strides (the paper: 6, 12, 18 for stride 16).
///
/// Parameters: `encoder.layer1.0.conv1.weight`, `decoder.aspp.0.convs.0.0.weight`, `decoder.block1.0.weight`,
/// `segmentation_head.0.weight`.
public struct DeepLabV3Plus: SegmentationModelsNetwork {
  /// The encoder, of output stride 16 or 8.
  public var backbone: any Backbone
  public var classes: Int
  /// The dilations of the pyramid.
  public var rates = [12, 24, 36]
  /// Channels of the decoder.
  public var width = 256
  /// Whether the pyramid's convolutions are separable.
  public var isSeparable = true
  /// The upsampling of the pyramid's output to the finer map.
  public var upsampling = Upsampling.bilinear(aligningCorners: true)
  /// The prefix of the backbone's names: `encoder`, or `encoder.model` for timm's backbones.
  public var backboneScope = "encoder"

  /// Creates a network on a backbone.
  public init(
    _ backbone: any Backbone = ResNet.resNet34.dilated(outputStride: 16, .withFirstBlock), classes: Int = 21
  ) {
    self.backbone = backbone
    self.classes = classes
  }

  public var architecture: String { "DeepLabV3+" }

  public func decoder(_ features: [Value]) -> [Value] {
    // The second finest map has stride 4.
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
