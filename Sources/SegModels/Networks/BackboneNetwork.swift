import SegEngine

/// A network whose encoder is a backbone under a name: `backbone` in torchvision's networks, `encoder` in those of
/// segmentation-models-pytorch.
public protocol BackboneNetwork: SegmentationNetwork {
  /// The encoder.
  var backbone: any Backbone { get set }
  /// What stands before the backbone's names.
  var backboneScope: String { get }
  /// What the network is without its backbone, such as `FPN`.
  var architecture: String { get }
}

extension BackboneNetwork {
  public var title: String { "\(architecture) \(backbone.title)" }

  public var inputChannels: Int {
    get { backbone.inputChannels }
    set { backbone.inputChannels = newValue }
  }

  public var features: [Feature] { backbone.features }

  public func encoder(_ image: Value) -> [Value] {
    image.graph.scope(backboneScope) { backbone.features(of: image) }
  }

  /// The place of a feature map by its name.
  func index(of feature: String) -> Int {
    guard let index = features.firstIndex(where: { $0.name == feature }) else {
      preconditionFailure("\(backbone.title) has no feature map \(feature): \(features.map(\.name))")
    }
    return index
  }
}

/// The networks of torchvision: a head on the backbone's last map, where wanted an auxiliary one (`aux`) on an earlier.
public protocol TorchvisionNetwork: BackboneNetwork {
  /// The feature map on which the auxiliary head is; `nil` for none.
  var auxiliaryFeature: String? { get }
}

extension TorchvisionNetwork {
  public var backboneScope: String { "backbone" }

  public var auxiliaryOutputs: [String] { auxiliaryFeature == nil ? [] : ["aux"] }

  /// Logits of the last feature map's size at the image's.
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

/// The networks of segmentation-models-pytorch: `encoder`, `decoder` and `segmentation_head`, whose logits are enlarged to the image
/// with aligned corners. Where the library asks for sizes that are multiples of the encoder's stride, maps here take the size of the
/// finer ones, which is the same for those sizes and makes any other possible.
public protocol SegmentationModelsNetwork: BackboneNetwork {
  /// Extent of the head's kernel.
  var headKernel: Int { get }
  /// How logits are enlarged to the image.
  var headUpsampling: Upsampling { get }
  /// By how much.
  var headFactor: Int { get }
}

extension SegmentationModelsNetwork {
  public var backboneScope: String { "encoder" }

  public var headKernel: Int { 1 }

  public var headUpsampling: Upsampling { .bilinear(aligningCorners: true) }

  /// The decoders give a quarter of the image's size.
  public var headFactor: Int { 4 }

  public var checkpoints: CheckpointMapping { .segmentationModels }

  public func head(_ maps: [Value], like image: Value) -> Value {
    maps[0].conv("segmentation_head.0", classes, kernel: Extent2D(headKernel))
      .upsampled(headUpsampling, "segmentation_head.1", channels: classes, by: headFactor, like: image)
  }
}

extension CheckpointMapping {
  /// The rules for the networks of segmentation-models-pytorch.
  static let segmentationModels = CheckpointMapping(
    head: ["segmentation_head."], unused: ["classification_head.", "encoder.fc.", "encoder.classifier."])
}
