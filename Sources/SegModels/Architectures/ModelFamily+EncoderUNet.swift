extension ModelFamily {
  /// U-Nets on backbones, as in segmentation-models-pytorch.
  static let encoderUNet = ModelFamily(
    "U-Net on backbones",
    [
      ModelDescription("unet-resnet18", "U-Net on ResNet-18", size: 512, EncoderUNet(ResNet.resNet18)),
      ModelDescription(
        "unet-resnet34", "U-Net on ResNet-34 (segmentation-models-pytorch)", size: 512, EncoderUNet(ResNet.resNet34)),
      ModelDescription("unet-resnet50", "U-Net on ResNet-50", size: 512, EncoderUNet(ResNet.resNet50)),
      ModelDescription("unet-resnet101", "U-Net on ResNet-101", size: 512, EncoderUNet(ResNet.resNet101)),
      ModelDescription("unet-mobilenet-v2", "U-Net on MobileNetV2", size: 512, EncoderUNet(MobileNetV2())),
      ModelDescription(
        "unet-resnet34-scse", "U-Net on ResNet-34 with squeeze and excitation of channels and pixels", size: 512,
        attending),
      ModelDescription(
        "unetpp-resnet34", "U-Net++ on ResNet-34 (segmentation-models-pytorch)", size: 512, EncoderNestedUNet()),
      ModelDescription("unetpp-resnet50", "U-Net++ on ResNet-50", size: 512, EncoderNestedUNet(ResNet.resNet50)),
    ])

  private static var attending: EncoderUNet {
    var network = EncoderUNet(ResNet.resNet34)
    network.attendsBlocks = true
    return network
  }
}
