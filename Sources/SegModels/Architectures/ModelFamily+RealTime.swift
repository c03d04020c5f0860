import SegEngine

extension ModelFamily {
  /// Real-time networks.
  static let realTime = ModelFamily(
    "real time",
    [
      ModelDescription("enet", "ENet, 19 classes", size: Extent2D(height: 512, width: 1024), enet),
      ModelDescription(
        "bisenetv1", "BiSeNet on ResNet-18, 19 classes", size: Extent2D(height: 512, width: 1024), BiSeNetV1()),
      ModelDescription("bisenetv2", "BiSeNetV2, 19 classes", size: Extent2D(height: 512, width: 1024), BiSeNetV2()),
      ModelDescription("fast-scnn", "Fast-SCNN, 19 classes", size: Extent2D(height: 512, width: 1024), FastSCNN()),
    ])

  private static var enet: ENet {
    var network = ENet()
    network.classes = 19
    return network
  }
}
