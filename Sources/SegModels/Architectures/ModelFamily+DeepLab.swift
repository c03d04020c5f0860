extension ModelFamily {
  /// DeepLab v1 to v3+, and Lite R-ASPP, which is derived from DeepLab v3.
  static let deepLab = ModelFamily(
    "DeepLab",
    [
      ModelDescription(
        "deeplabv1-vgg16", "DeepLab v1 LargeFOV on VGG-16", size: 513, DeepLabV1(), preprocessing: .caffe(513),
        refinement: .deepLabV1),
      ModelDescription(
        "deeplabv2-resnet101", "DeepLab v2 on ResNet-101, maximum over three scales", size: 513, DeepLabV2(),
        preprocessing: .caffe(513), refinement: .deepLab),
      ModelDescription(
        "deeplabv3-resnet50", "DeepLab v3 on ResNet-50 of stride 8 (torchvision)", size: 520, DeepLabV3()),
      ModelDescription(
        "deeplabv3-resnet101", "DeepLab v3 on ResNet-101 of stride 8 (torchvision)", size: 520,
        DeepLabV3(ResNet.resNet101.dilated(outputStride: 8))),
      ModelDescription(
        "deeplabv3-resnet101-multigrid", "DeepLab v3 on ResNet-101 of stride 16, multi-grid (1, 2, 4), as the paper",
        size: 513, multiGrid),
      ModelDescription(
        "deeplabv3-mobilenet-v3-large", "DeepLab v3 on MobileNetV3-Large of stride 16 (torchvision)", size: 520,
        DeepLabV3(MobileNetV3(isDilated: true, prefix: ""), auxiliaryFeature: "features.4")),
      ModelDescription(
        "lraspp-mobilenet-v3-large", "Lite R-ASPP on MobileNetV3-Large of stride 16 (torchvision)", size: 520, LRASPP()),
      ModelDescription(
        "deeplabv3plus-resnet34", "DeepLab v3+ on ResNet-34 of stride 16 (segmentation-models-pytorch)", size: 512,
        DeepLabV3Plus()),
      ModelDescription(
        "deeplabv3plus-resnet50", "DeepLab v3+ on ResNet-50 of stride 16, ordinary atrous convolutions", size: 512,
        plus(ResNet.resNet50.dilated(outputStride: 16, .withFirstBlock)) { $0.isSeparable = false }),
      ModelDescription(
        "deeplabv3plus-resnet101", "DeepLab v3+ on ResNet-101 of stride 8", size: 512,
        plus(ResNet.resNet101.dilated(outputStride: 8, .withFirstBlock)) { _ in }),
      ModelDescription(
        "deeplabv3plus-mobilenet-v2", "DeepLab v3+ on MobileNetV2 of stride 16", size: 512,
        plus(MobileNetV2(outputStride: 16)) { _ in }),
      ModelDescription(
        "deeplabv3plus-xception65", "DeepLab v3+ on aligned Xception-65 of stride 16", size: 512,
        plus(Xception65(outputStride: 16, listSeparator: "_")) { $0.backboneScope = "encoder.model" }),
    ])

  private static var multiGrid: DeepLabV3 {
    var network = DeepLabV3(
      ResNet.resNet101.dilated(outputStride: 16, .withFirstBlock, multiGrid: [1, 2, 4]), auxiliaryFeature: nil)
    network.rates = [6, 12, 18]
    return network
  }

  private static func plus(
    _ backbone: any Backbone, _ configure: (inout DeepLabV3Plus) -> Void
  ) -> DeepLabV3Plus {
    var network = DeepLabV3Plus(backbone)
    configure(&network)
    return network
  }
}
