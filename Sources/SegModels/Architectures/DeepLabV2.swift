import SegEngine

/// DeepLab v2 (Chen et al. 2018): a dilated ResNet of stride 8 with atrous spatial pyramid pooling, applied to the
/// image at several scales. The scores of the scales are combined by their maximum.
///
/// Parameters are named as in the common PyTorch port: `base.layer1.conv1.conv.weight`,
/// `base.layer3.block1.reduce.conv.weight`, `base.aspp.c0.weight`. The pyramid is the paper's for ResNet-101: the *sum*
/// of four 3×3 convolutions to the classes. (The paper's pyramid for VGG-16 has two more 1×1 convolutions in each
/// branch; DeepLab v3 concatenates.)
public struct DeepLabV2: SegmentationNetwork {
  /// The encoder.
  public var backbone: ResNet
  public var classes: Int
  /// The dilations of the pyramid.
  public var rates = [6, 12, 18, 24]
  /// The upsampling of the logits to the image.
  public var upsampling = Upsampling.bilinear(aligningCorners: false)
  /// The scale factors of the image in addition to 1.
  public var scales = [0.5, 0.75]

  /// Creates a network on a bottleneck ResNet, by default ResNet-101 of stride 8 with the names of the port.
  public init(_ backbone: ResNet = .resNet101, classes: Int = 21) {
    self.backbone = backbone.dilated(outputStride: 8, .withFirstBlock)
    self.backbone.keys = .caffe
    self.classes = classes
  }

  public var title: String { "DeepLabV2 \(backbone.title)" + (scales.isEmpty ? "" : ", \(scales.count + 1) scales") }

  public var inputChannels: Int {
    get { backbone.inputChannels }
    set { backbone.inputChannels = newValue }
  }

  public var features: [Feature] { backbone.features }

  /// The size at which the coarsest map of the smallest scale has one pixel.
  public var minimumSize: Extent2D { Extent2D(Int((8 / (scales.min() ?? 1)).rounded(.up))) }

  public var checkpoints: CheckpointMapping {
    CheckpointMapping(
      // With a single scale, the port's network has no `base.` prefix.
      renames: ["layer1.", "layer2.", "layer3.", "layer4.", "layer5.", "aspp."].map { .init($0, to: "base.\($0)") },
      head: ["base.aspp."], unused: ["base.fc."])
  }

  public func encoder(_ image: Value) -> [Value] { image.graph.scope("base") { backbone.features(of: image) } }

  /// The sum of the pyramid's branches: scores at stride 8.
  public func decoder(_ features: [Value]) -> [Value] {
    let map = features[features.count - 1]
    let branches = rates.enumerated().map { index, rate in
      map.conv("base.aspp.c\(index)", classes, kernel: 3, dilation: Extent2D(rate))
    }
    return [branches.dropFirst().reduce(branches[0], +)]
  }

  public func head(_ maps: [Value], like image: Value) -> Value {
    maps[0].upsampled(upsampling, "upsample", channels: classes, by: 8, like: image)
  }

  public func outputs(of image: Value, auxiliary: Bool) -> (logits: Value, auxiliary: [Value]) {
    let scores = decoder(encoder(image))[0]
    let others = scales.map { decoder(encoder(image.resize(by: $0)))[0].resize(like: scores) }
    return (head([others.reduce(scores) { $0.maximum($1) }], like: image), [])
  }
}
