import SegEngine

/// A fully convolutional network (Long, Shelhamer and Darrell 2015) on a dilated backbone, as torchvision has it: a 3×3 and a 1×1
/// convolution on the last map, enlarged bilinearly.
///
/// It shares the idea with the paper and neither skips nor learned enlargement; those are ``FCNVGG16``.
///
/// Parameters: `backbone.layer1.0.conv1.weight`, `classifier.0.weight`, `classifier.4.weight`, `aux_classifier.0.weight`.
public struct FCN: TorchvisionNetwork {
  /// The encoder, of output stride 8.
  public var backbone: any Backbone
  public var classes: Int
  /// How logits are enlarged to the image.
  public var upsampling = Upsampling.bilinear(aligningCorners: false)
  /// The feature map on which the auxiliary head is; `nil` for none.
  public var auxiliaryFeature: String?

  /// A network on a backbone; torchvision's auxiliary head is on `layer3`.
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
