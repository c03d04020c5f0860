import SegEngine

/// Lite R-ASPP (Howard et al. 2019), as in torchvision: the last map of a MobileNetV3, weighted by channel attention,
/// and one skip connection.
///
/// The paper computes the attention from a 49×49 average pooling of stride 16×20; torchvision uses the global mean,
/// which supports any size.
///
/// Parameters: `backbone.0.0.weight`, `classifier.cbr.0.weight`, `classifier.low_classifier.weight`.
public struct LRASPP: TorchvisionNetwork {
  /// The encoder, of output stride 16.
  public var backbone: any Backbone
  public var classes: Int
  /// Channels of the branches.
  public var width = 128
  /// The upsampling of the weighted map to the skip connection's size.
  public var upsampling = Upsampling.bilinear(aligningCorners: false)
  /// The feature map of the skip connection.
  public var lowFeature = "features.4"

  /// Creates a network on a backbone, by default a dilated MobileNetV3-Large.
  public init(_ backbone: any Backbone = MobileNetV3(isDilated: true, prefix: ""), classes: Int = 21) {
    self.backbone = backbone
    self.classes = classes
  }

  public var architecture: String { "LR-ASPP" }
  public var auxiliaryFeature: String? { nil }

  public var checkpoints: CheckpointMapping {
    CheckpointMapping(
      head: ["classifier.low_classifier.", "classifier.high_classifier."], unused: ["backbone.classifier."])
  }

  public func decoder(_ features: [Value]) -> [Value] {
    let (low, high) = (features[index(of: lowFeature)], features[features.count - 1])
    return high.graph.scope("classifier") {
      let weights = high.globalAveragePool().conv("scale.1", width, kernel: 1, bias: false).sigmoid()
      let factor = self.features[self.features.count - 1].stride / self.features[index(of: lowFeature)].stride
      let weighted = high.convolved("cbr.0", "cbr.1", width, kernel: 1) * weights
      return [weighted.upsampled(upsampling, "up", channels: width, by: factor, like: low), low]
    }
  }

  public func head(_ maps: [Value], like image: Value) -> Value {
    image.graph.scope("classifier") {
      maps[1].conv("low_classifier", classes, kernel: 1) + maps[0].conv("high_classifier", classes, kernel: 1)
    }.resize(like: image)
  }
}
