extension ModelFamily {
  /// Networks that combine maps of several strides, or means over several grids.
  static let pyramids = ModelFamily(
    "Pyramids",
    [
      ModelDescription("fpn-resnet34", "FPN on ResNet-34 (segmentation-models-pytorch)", size: 512, FPN()),
      ModelDescription("fpn-resnet50", "FPN on ResNet-50", size: 512, FPN(ResNet.resNet50)),
      ModelDescription("fpn-mobilenet-v2", "FPN on MobileNetV2", size: 512, FPN(MobileNetV2())),
      ModelDescription("pspnet-resnet34", "PSPNet on ResNet-34 (segmentation-models-pytorch)", size: 512, PSPNet()),
      ModelDescription("pspnet-resnet50", "PSPNet on ResNet-50", size: 512, PSPNet(PSPNet.shallow(.resNet50))),
      ModelDescription("upernet-resnet34", "UPerNet on ResNet-34 (segmentation-models-pytorch)", size: 512, UPerNet()),
      ModelDescription("upernet-resnet50", "UPerNet on ResNet-50", size: 512, UPerNet(ResNet.resNet50)),
    ])
}
