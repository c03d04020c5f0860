import SegEngine

/// A torchvision network: a head on the backbone's last feature map and, optionally, an auxiliary head (`aux`) on an
/// earlier one.
public protocol TorchvisionNetwork: BackboneNetwork {
  /// The feature map that the auxiliary head takes; `nil` for no auxiliary head.
  var auxiliaryFeature: String? { get }
}

extension TorchvisionNetwork {
  public var backboneScope: String { "backbone" }

  public var auxiliaryOutputs: [String] { auxiliaryFeature == nil ? [] : ["aux"] }

  /// Upsamples logits from the size of the last feature map to the size of the image.
  func enlarged(_ logits: Value, _ upsampling: Upsampling, like image: Value) -> Value {
    logits.upsampled(
      upsampling, "upsample", channels: classes, by: features[features.count - 1].stride, like: image)
  }

  public var checkpoints: CheckpointMapping {
    CheckpointMapping(
      auxiliary: ["aux_classifier."], head: ["classifier.4.", "aux_classifier.4."],
      unused: ["backbone.fc.", "backbone.classifier."])
  }

  public func auxiliaryHeads(_ features: [Value], _ maps: [Value], like image: Value) -> [Value] {
    guard let auxiliaryFeature else { return [] }
    let map = features[index(of: auxiliaryFeature)]
    return [map.graph.scope("aux_classifier") { map.fcnHead(classes: classes) }.resize(like: image)]
  }
}
