import SegEngine

/// A fully convolutional network (Long, Shelhamer and Darrell 2015) on a dilated backbone, as in torchvision: a 3×3 and
/// a 1×1 convolution on the last map, with bilinear upsampling.
///
/// Unlike the paper's networks it has neither skip connections nor learned upsampling; see ``FCNVGG16`` for those.
///
/// Parameters: `backbone.layer1.0.conv1.weight`, `classifier.0.weight`, `classifier.4.weight`,
/// `aux_classifier.0.weight`.
public struct FCN: TorchvisionNetwork {
  /// The encoder, of output stride 8.
  public var backbone: any Backbone
  public var classes: Int
  /// The upsampling of the logits to the image.
  public var upsampling = Upsampling.bilinear(aligningCorners: false)
  /// The feature map that the auxiliary head takes; `nil` for no auxiliary head.
  public var auxiliaryFeature: String?

  /// Creates a network on a backbone. torchvision's auxiliary head takes `layer3`.
  public init(
    _ backbone: any Backbone = ResNet.resNet50.dilated(outputStride: 8), classes: Int = 21,
    auxiliaryFeature: String? = "layer3"
  ) {
    self.backbone = backbone
    self.classes = classes
    self.auxiliaryFeature = auxiliaryFeature
  }

  public var architecture: String { "FCN" }

  public func decoder(_ features: [Value]) -> [Value] { [features[features.count - 1]] }

  public func head(_ maps: [Value], like image: Value) -> Value {
    enlarged(image.graph.scope("classifier") { maps[0].fcnHead(classes: classes) }, upsampling, like: image)
  }
}
