import SegEngine

extension ModelFamily {
  /// Real-time networks.
  static let realTime = ModelFamily(
    "real time",
    [
      cityscapes("enet", "ENet, 19 classes", enet),
      cityscapes("bisenetv1", "BiSeNet on ResNet-18, 19 classes", BiSeNetV1()),
      cityscapes("bisenetv2", "BiSeNetV2, 19 classes", BiSeNetV2()),
      cityscapes("fast-scnn", "Fast-SCNN, 19 classes", FastSCNN()),
    ])

  /// A network that is published with weights for the 19 classes of Cityscapes.
  private static func cityscapes(
    _ name: String, _ summary: String, _ network: any SegmentationNetwork
  ) -> ModelDescription {
    ModelDescription(
      name, summary, size: Extent2D(height: 512, width: 1024), network, classList: .cityscapes)
  }

  private static var enet: ENet {
    var network = ENet()
    network.classes = 19
    return network
  }
}
