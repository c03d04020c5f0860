import SegEngine

/// DeepLab v3 (Chen, Papandreou, Schroff and Adam 2017), as in torchvision: atrous spatial pyramid pooling with global
/// average pooling, on a dilated backbone.
///
/// Differences from the paper: torchvision adds a 3×3 convolution after the pyramid and an auxiliary head, uses
/// dilations 12, 24 and 36 for output stride 8, and has no multi-grid. Set ``ResNet/multiGrid`` for the paper's.
///
/// Parameters: `backbone.layer1.0.conv1.weight`, `classifier.0.convs.0.0.weight`, `classifier.0.project.0.weight`,
/// `classifier.4.weight`, `aux_classifier.0.weight`.
public struct DeepLabV3: TorchvisionNetwork {
  /// The encoder, of output stride 8 or 16.
  public var backbone: any Backbone
  public var classes: Int
  /// The upsampling of the logits to the image.
  public var upsampling = Upsampling.bilinear(aligningCorners: false)
  /// The dilations of the pyramid.
  public var rates = [12, 24, 36]
  /// The feature map that the auxiliary head takes; `nil` for no auxiliary head.
  public var auxiliaryFeature: String?

  /// Creates a network on a backbone. torchvision's auxiliary head takes `layer3` of ResNets and `features.4` of
  /// MobileNetV3.
  public init(
    _ backbone: any Backbone = ResNet.resNet50.dilated(outputStride: 8), classes: Int = 21,
    auxiliaryFeature: String? = "layer3"
  ) {
    self.backbone = backbone
    self.classes = classes
    self.auxiliaryFeature = auxiliaryFeature
  }

  public var architecture: String { "DeepLabV3" }

  public func decoder(_ features: [Value]) -> [Value] {
    let map = features[features.count - 1]
    return [
      map.graph.scope("classifier") {
        map.graph.scope("0") { map.atrousPyramid(rates: rates) }.convolved("1", "2", 256, kernel: 3)
      }
    ]
  }

  public func head(_ maps: [Value], like image: Value) -> Value {
    enlarged(maps[0].conv("classifier.4", classes, kernel: 1), upsampling, like: image)
  }
}
